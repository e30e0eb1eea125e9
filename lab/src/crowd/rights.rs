//! What the value of a folder's register means: where the folder is, who is let in, and whether the group is. And what it takes of
//! which registers that somebody may or may not look or write. Called by everything that enters what a request showed.

use super::world::{File, Folder, World};
use crate::checks::record::{Bits, Fact, Register, Sight, Test};

/// Who is in the group, where a folder is: nothing else has these bits.
const GROUP: Bits = 1 << 48;
const PLACE: Bits = 3 << 50;
/// All bits of a register that has no other meaning than one number.
pub(crate) const WHOLE: Bits = Bits::MAX;
/// Of a user: may sign in; has the module for files.
pub(crate) const ENABLED: Bits = 1;
pub(crate) const MODULE: Bits = 2;
/// Of a session, or of a member of the group.
pub(crate) const YES: Bits = 1;

/// Ways in which something can be so: one of them is, with all its facts.
pub(crate) type Ways = Vec<Vec<Fact>>;

/// How much somebody may in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    Nothing,
    Look,
    Write,
}

/// The bits of this person's share; without one, those that say it.
pub(crate) fn share(person: usize, share: Share) -> Bits {
    let bits = match share {
        Share::Nothing => 0,
        Share::Look => 1,
        Share::Write => 3,
    };
    bits << (2 * person)
}

/// The bits of a folder in this one of its owner's two cabinets, shared so.
pub(crate) fn folder(cabinet: usize, shares: &[Share], group: bool) -> Bits {
    let shares: Bits = shares.iter().enumerate().map(|(person, one)| share(person, *one)).sum();
    shares | place(cabinet) | if group { GROUP } else { 0 }
}

fn place(cabinet: usize) -> Bits {
    if cabinet == 0 { 1 << 50 } else { 2 << 50 }
}

fn fact(register: Register, test: Test) -> Fact {
    Fact { register, test }
}

/// That a register's bits under a mask are these.
pub(crate) fn has(register: Register, mask: Bits, wanted: Bits) -> Fact {
    fact(register, Test::Has(mask, wanted))
}

/// That a register has this value.
pub(crate) fn is(register: Register, value: u32) -> Fact {
    fact(register, Test::Is(value))
}

/// One of these ways, as something that was seen.
pub(crate) fn seen(ways: Ways) -> Sight {
    match ways.as_slice() {
        [way] => match way.as_slice() {
            [one] => Sight::One(*one),
            _ => Sight::Any(ways),
        },
        _ => Sight::Any(ways),
    }
}

impl Folder {
    /// How this person may look into it.
    pub(crate) fn lets_look(&self, world: &World, person: usize) -> Ways {
        let look = share(person, Share::Look);
        let mut ways = vec![vec![has(self.register, look, look)]];
        if self.for_group {
            ways.push(vec![has(self.register, GROUP, GROUP), has(world.member(person), YES, YES)]);
        }
        ways
    }

    /// How it comes that they may not. A folder that is not there, or no more, lets nobody in.
    pub(crate) fn hides(&self, world: &World, person: usize) -> Ways {
        let look = share(person, Share::Look);
        if !self.for_group {
            return vec![vec![has(self.register, look, 0)]];
        }
        let without_group = vec![has(self.register, look | GROUP, 0)];
        let no_member = vec![has(self.register, look | GROUP, GROUP), has(world.member(person), YES, 0)];
        vec![without_group, no_member]
    }

    /// How they may write into it.
    pub(crate) fn lets_write(&self, person: usize) -> Ways {
        let write = share(person, Share::Write);
        vec![vec![has(self.register, write, write)]]
    }

    /// How it comes that they may not.
    pub(crate) fn refuses_writes(&self, person: usize) -> Ways {
        let write = share(person, Share::Write);
        vec![vec![fact(self.register, Test::HasNot(write, write))]]
    }

    /// That it is in this cabinet.
    pub(crate) fn is_in(&self, cabinet: usize) -> Fact {
        has(self.register, PLACE, place(cabinet))
    }

    /// How it comes that this person does not find it there.
    pub(crate) fn is_not_listed(&self, world: &World, cabinet: usize, person: usize) -> Ways {
        let elsewhere = vec![fact(self.register, Test::HasNot(PLACE, place(cabinet)))];
        let mut ways = self.hides(world, person);
        ways.push(elsewhere);
        ways
    }
}

impl File {
    /// That it is in this folder.
    pub(crate) fn is_in(&self, folder: &Folder) -> Fact {
        has(self.place, WHOLE, folder.number)
    }

    /// That it is not.
    pub(crate) fn is_not_in(&self, folder: &Folder) -> Fact {
        fact(self.place, Test::HasNot(WHOLE, folder.number))
    }

    /// That it is nowhere.
    pub(crate) fn is_gone(&self) -> Fact {
        has(self.place, WHOLE, 0)
    }

    /// That it is in one of the folders it was ever put into, and there something is so.
    pub(crate) fn wherever_it_is(&self, world: &World, so: impl Fn(&Folder) -> Ways) -> Vec<Sight> {
        let folders: Vec<Folder> = self.ever_in.iter().filter_map(|index| world.folder(*index)).collect();
        if let [folder] = folders.as_slice() {
            return vec![Sight::One(self.is_in(folder)), seen(so(folder))];
        }
        vec![seen(self.ways(&folders, so))]
    }

    /// How it comes that this person finds it nowhere.
    pub(crate) fn is_hidden(&self, world: &World, person: usize) -> Sight {
        let folders: Vec<Folder> = self.ever_in.iter().filter_map(|index| world.folder(*index)).collect();
        let mut ways = self.ways(&folders, |folder| folder.hides(world, person));
        ways.push(vec![self.is_gone()]);
        seen(ways)
    }

    fn ways(&self, folders: &[Folder], so: impl Fn(&Folder) -> Ways) -> Ways {
        let mut ways = Vec::new();
        for folder in folders {
            for mut way in so(folder) {
                way.push(self.is_in(folder));
                ways.push(way);
            }
        }
        ways
    }
}
