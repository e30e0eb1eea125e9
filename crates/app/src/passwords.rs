//! Passwords: Argon2id, a bounded number at a time, and a memory of what was verified.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::{Output, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use zebu_model::Refusal;

use crate::error::{Error, Result};
use crate::random;

/// Memory one hash takes, KiB; passes; lanes: OWASP's first recommendation for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What a hash from elsewhere may take at most: every login with it costs as much.
const MEMORY_KIB_MAX: u32 = 4 * MEMORY_KIB;
const PASSES_MAX: u32 = 8;
/// Hashes at a time: more would only share the processors, at 19 MiB each.
const AT_ONCE: usize = 2;
/// How long a login waits for its turn before it is asked to come back.
const WAIT: Duration = Duration::from_secs(10);
/// Verified credentials remembered. Each costs some 150 bytes.
const REMEMBERED_MAX: usize = 10_000;

/// The one place that looks at passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    background: tokio::sync::Mutex<()>,
    /// Verified against when there is no such user, so that the answer takes as long.
    decoy: String,
    key: [u8; 16],
    verified: Mutex<HashMap<[u8; 32], String>>,
}

/// Blocks (1 KiB each) whose memory the allocator takes from the system for this one vector and gives back when it
/// is dropped: above glibc's highest threshold for that, 32 MiB. Below it, every thread that ever hashed would keep
/// its 19 MiB. What is reserved and never touched costs nothing.
const BLOCKS_RESERVED: usize = 33 * 1024;

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("argon2: {error}"))
}

/// Computes a hash in memory of its own.
fn compute(argon2: &Argon2<'_>, password: &str, salt: &[u8], out: &mut [u8]) -> Result<()> {
    let count = argon2.params().block_count();
    let mut blocks = Vec::with_capacity(count.max(BLOCKS_RESERVED));
    blocks.resize(count, Block::default());
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut blocks).map_err(internal)
}

/// A new hash in PHC form, on this thread.
pub(crate) fn hash_now(password: &str) -> Result<String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(internal)?;
    let salt = random::bytes()?;
    let mut out = [0u8; Params::DEFAULT_OUTPUT_LEN];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    compute(&argon2, password, &salt, &mut out)?;
    let encoded = SaltString::encode_b64(&salt).map_err(internal)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().map_err(internal)?,
        salt: Some(encoded.as_salt()),
        hash: Some(Output::new(&out).map_err(internal)?),
    };
    Ok(hash.to_string())
}

fn verify_now(password: &str, stored: &str) -> Result<bool> {
    let parsed = PasswordHash::new(stored).map_err(internal)?;
    let (Some(salt), Some(expected)) = (parsed.salt, parsed.hash) else {
        return Err(internal("the stored hash has no salt or no value"));
    };
    let algorithm = Algorithm::try_from(parsed.algorithm).map_err(internal)?;
    let version = parsed.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(internal)?;
    let params = Params::try_from(&parsed).map_err(internal)?;
    let mut bytes = [0u8; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut bytes).map_err(internal)?;
    let mut out = vec![0u8; expected.len()];
    compute(&Argon2::new(algorithm, version, params), password, salt, &mut out)?;
    // Compares in constant time.
    Ok(Output::new(&out).map_err(internal)? == expected)
}

/// Whether a hash from elsewhere costs whoever guesses at least as much as ours. Else why not.
pub(crate) fn as_strong_as_ours(hash: &str) -> std::result::Result<(), String> {
    let parsed = PasswordHash::new(hash).map_err(|e| format!("it is no hash in PHC form: {e}"))?;
    let argon2id = Algorithm::try_from(parsed.algorithm).is_ok_and(|a| a == Algorithm::Argon2id);
    let params = Params::try_from(&parsed).ok().filter(|_| argon2id);
    let params = params.ok_or_else(|| "it is no hash by Argon2id".to_owned())?;
    if parsed.salt.is_none() || parsed.hash.is_none_or(|hash| hash.len() < Params::DEFAULT_OUTPUT_LEN) {
        return Err(format!("it has no salt, or a value of less than {} bytes", Params::DEFAULT_OUTPUT_LEN));
    }
    if params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES {
        return Err(format!("it takes less than {MEMORY_KIB} KiB and {PASSES} passes"));
    }
    if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX {
        return Err(format!("it takes more than {MEMORY_KIB_MAX} KiB or {PASSES_MAX} passes"));
    }
    Ok(())
}

impl Passwords {
    pub(crate) fn new() -> Result<Passwords> {
        Ok(Passwords {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            background: tokio::sync::Mutex::new(()),
            decoy: hash_now("no password at all")?,
            key: random::bytes()?,
            verified: Mutex::new(HashMap::new()),
        })
    }

    /// Runs `work` on the blocking pool when it is its turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = tokio::time::timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Refusal::LoginBusy {}.into()) };
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|e| Error::Internal(format!("password thread: {e}")))?
    }

    /// A new hash in PHC form.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.in_turn(move || hash_now(&password)).await
    }

    /// The same for work that nobody waits for: one at a time, so that there is always a turn for who signs in.
    pub(crate) async fn hash_in_background(&self, password: &str) -> Result<String> {
        let _one = self.background.lock().await;
        let password = password.to_owned();
        // However long it takes: this has time.
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|e| Error::Internal(format!("password turns: {e}")))?;
        let done = tokio::task::spawn_blocking(move || {
            let hash = hash_now(&password);
            drop(turn);
            hash
        });
        done.await.map_err(|e| Error::Internal(format!("password thread: {e}")))?
    }

    /// Whether `password` belongs to `hash`. Without a hash (no such user) the answer is no, and takes as long.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let (password, known) = (password.to_owned(), hash.is_some());
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        self.in_turn(move || Ok(verify_now(&password, &hash)? && known)).await
    }

    /// [`Passwords::verify`] for clients that send the password with every request. What is remembered is only that
    /// this password belongs to this very hash: the hash is read from the database each time, so a changed password
    /// counts at once. The password itself is not kept, but a keyed digest that is worth nothing outside this process.
    pub(crate) async fn verify_again(&self, login: &str, password: &str, hash: Option<&str>) -> Result<bool> {
        let digest = self.digest(login, password);
        if self.has_verified(&digest, hash) {
            return Ok(true);
        }
        let right = self.verify(password, hash).await?;
        if let (true, Some(hash)) = (right, hash) {
            let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
            if verified.len() >= REMEMBERED_MAX {
                verified.clear();
            }
            verified.insert(digest, hash.to_owned());
        }
        Ok(right)
    }
}

impl Passwords {
    /// Whether this password was verified against this very hash before.
    pub(crate) fn remembers(&self, login: &str, password: &str, hash: Option<&str>) -> bool {
        self.has_verified(&self.digest(login, password), hash)
    }

    fn digest(&self, login: &str, password: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.key)
            .chain_update((login.len() as u64).to_le_bytes())
            .chain_update(login)
            .chain_update(password)
            .finalize()
            .into()
    }

    fn has_verified(&self, digest: &[u8; 32], hash: Option<&str>) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        hash.is_some() && verified.get(digest).map(String::as_str) == hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_and_no_other_is_accepted() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("secret").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("secret", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("Secret", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("no password at all", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_remembered_password_is_forgotten_when_the_hash_changes() {
        let passwords = Passwords::new().unwrap();
        let old = passwords.hash("secret").await.unwrap();
        let new = passwords.hash("other").await.unwrap();
        assert!(passwords.verify_again("anna", "secret", Some(&old)).await.unwrap());
        assert!(passwords.verify_again("anna", "secret", Some(&old)).await.unwrap());
        assert!(!passwords.verify_again("anna", "secret", Some(&new)).await.unwrap());
        assert!(!passwords.verify_again("anna", "secret", None).await.unwrap());
    }
}
