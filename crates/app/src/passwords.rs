//! Passwords: Argon2id, a bounded number at a time, and a memory of what was verified.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use zebu_model::Refusal;

use crate::error::{Error, Result};
use crate::random;

/// Memory one hash takes, KiB; passes; lanes: OWASP's first recommendation for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
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
    /// Verified against when there is no such user, so that the answer takes as long.
    decoy: String,
    key: [u8; 16],
    verified: Mutex<HashMap<[u8; 32], String>>,
}

fn argon2() -> Result<Argon2<'static>> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| Error::Internal(format!("argon2: {e}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String> {
    let internal = |e: argon2::password_hash::Error| Error::Internal(format!("argon2: {e}"));
    let salt = SaltString::encode_b64(&random::bytes()?).map_err(internal)?;
    Ok(argon2()?.hash_password(password.as_bytes(), &salt).map_err(internal)?.to_string())
}

impl Passwords {
    pub(crate) fn new() -> Result<Passwords> {
        Ok(Passwords {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
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

    /// Whether `password` belongs to `hash`. Without a hash (no such user) the answer is no, and takes as long.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let (password, known) = (password.to_owned(), hash.is_some());
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        self.in_turn(move || {
            let parsed = PasswordHash::new(&hash)
                .map_err(|e| Error::Internal(format!("stored password hash: {e}")))?;
            let right = argon2()?.verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(right && known)
        })
        .await
    }

    /// [`Passwords::verify`] for clients that send the password with every request. What is remembered is only that
    /// this password belongs to this very hash: the hash is read from the database each time, so a changed password
    /// counts at once. The password itself is not kept, but a keyed digest that is worth nothing outside this process.
    pub(crate) async fn verify_again(&self, login: &str, password: &str, hash: Option<&str>) -> Result<bool> {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(self.key)
            .chain_update((login.len() as u64).to_le_bytes())
            .chain_update(login)
            .chain_update(password)
            .finalize()
            .into();
        let remembered = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        if hash.is_some() && remembered.as_deref() == hash {
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
