//! The account, made once, and an order from its names to a certificate. Called by `keeper`, which has the claim.

use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder,
    Order, OrderStatus, Problem, RetryPolicy,
};
use serde::{Deserialize, Serialize};
use zebu_cluster::authority::{read_private, write_private};

use super::AcmeConfig;
use super::client::Http;
use super::folder::Folder;
use super::later::Later;

/// For the server to look at the answers, and again for it to sign.
const POLL: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).timeout(Duration::from_secs(100));
/// What a server says that does not know an account (RFC 8555 §6.7).
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// What it says to who asks too much (RFC 8555 §6.6).
const RATE_LIMITED: &str = "urn:ietf:params:acme:error:rateLimited";

/// An account as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    contact: Vec<String>,
    credentials: AccountCredentials,
}

/// Orders a certificate and puts it into the folder. `later` has what the server's last answer said.
///
/// # Errors
/// A sentence, with what the server said.
pub(super) async fn obtain(config: &AcmeConfig, folder: &Folder, later: &Later) -> Result<(), String> {
    let account = account(config, folder, later).await?;
    let names: Vec<Identifier> = config.names.iter().cloned().map(Identifier::Dns).collect();
    let order = account.new_order(&NewOrder::new(&names)).await;
    if let Err(Error::Api(problem)) = &order
        && problem.r#type.as_deref() == Some(NO_ACCOUNT)
    {
        let file = folder.account(&config.directory);
        // The next attempt makes a new one; what cannot be removed is said again then.
        let _ = blocking(move || std::fs::remove_file(file).map_err(|error| error.to_string())).await;
    }
    let mut order = order.map_err(|error| sentence(&error))?;
    prove(&mut order, folder).await?;
    let key = order.finalize().await.map_err(|error| sentence(&error))?;
    let chain = order.poll_certificate(&POLL).await.map_err(|error| sentence(&error))?;
    let (folder, names) = (folder.clone(), config.names.clone());
    blocking(move || folder.install(&names, &chain, &key)).await
}

/// Runs what waits for a disk where nobody waits for it.
///
/// # Errors
/// What the task says.
pub(super) async fn blocking<T: Send + 'static>(
    task: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    // A panic in there has been printed by the runtime.
    tokio::task::spawn_blocking(task).await.map_err(|error| error.to_string())?
}

async fn account(config: &AcmeConfig, folder: &Folder, later: &Later) -> Result<Account, String> {
    let file = folder.account(&config.directory);
    let read_from = file.clone();
    let kept = blocking(move || match read_from.exists() {
        true => read_private(&read_from).map(Some).map_err(|error| error.to_string()),
        false => Ok(None),
    });
    let builder = Account::builder_with_http(Box::new(Http::trusting(&config.ca_file, later.clone())?));
    let contact: Vec<&str> = config.contact.iter().map(String::as_str).collect();
    let (account, credentials) = match kept.await? {
        Some(text) => {
            let damaged = |error: serde_json::Error| format!("{}: {error}", file.display());
            let kept: Kept = serde_json::from_slice(&text).map_err(damaged)?;
            let same = kept.contact == config.contact;
            // Once more, for the file: credentials are no type that can be copied.
            let again: Kept = serde_json::from_slice(&text).map_err(damaged)?;
            let account =
                builder.from_credentials(kept.credentials).await.map_err(|error| sentence(&error))?;
            if same {
                return Ok(account);
            }
            account.update_contacts(&contact).await.map_err(|error| sentence(&error))?;
            (account, again.credentials)
        }
        None => {
            let new = NewAccount {
                contact: &contact,
                terms_of_service_agreed: config.agree_to_terms,
                only_return_existing: false,
            };
            let made = builder.create(&new, config.directory.clone(), None).await;
            made.map_err(|error| sentence(&error))?
        }
    };
    let kept = Kept { directory: config.directory.clone(), contact: config.contact.clone(), credentials };
    let text = serde_json::to_string(&kept).map_err(|error| error.to_string())?;
    blocking(move || write_private(&file, &text).map_err(|error| error.to_string())).await?;
    Ok(account)
}

/// Shows the server that the names are ours.
async fn prove(order: &mut Order, folder: &Folder) -> Result<(), String> {
    // What an order left that broke off.
    let forgotten = folder.clone();
    blocking(move || forgotten.forget_answers().map_err(|error| error.to_string())).await?;
    let proved = match put_answers(order, folder).await {
        Ok(()) => match order.poll_ready(&POLL).await {
            Ok(OrderStatus::Ready) => Ok(()),
            // Who is told to come later does not go on asking.
            Err(error) if is_put_off(&error) => Err(sentence(&error)),
            outcome => {
                let otherwise = outcome.map_or_else(|e| sentence(&e), |_| "the order was refused".to_owned());
                Err(refusals(order).await.unwrap_or(otherwise))
            }
        },
        Err(reason) => Err(reason),
    };
    let forgotten = folder.clone();
    let _ = blocking(move || forgotten.forget_answers().map_err(|error| error.to_string())).await;
    proved
}

async fn put_answers(order: &mut Order, folder: &Folder) -> Result<(), String> {
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let mut authorization = next.map_err(|error| sentence(&error))?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let challenge = authorization.challenge(ChallengeType::Http01);
        let mut challenge = challenge.ok_or_else(|| format!("{name}: the server offers no http-01"))?;
        let (folder, token) = (folder.clone(), challenge.token.clone());
        let answer = challenge.key_authorization().as_str().to_owned();
        blocking(move || folder.put_answer(&token, &answer)).await?;
        challenge.set_ready().await.map_err(|error| sentence(&error))?;
    }
    Ok(())
}

/// Why the names were not believed, each with the server's own words.
async fn refusals(order: &mut Order) -> Option<String> {
    let mut said = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() {
            continue;
        }
        let name = authorization.identifier().to_string();
        let problems = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        said.extend(problems.map(|problem| format!("{name}: {}", words(problem))));
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// Whether the server wants to be asked later.
fn is_put_off(error: &Error) -> bool {
    match error {
        Error::Timeout(until) => until.is_some(),
        Error::Api(problem) => problem.r#type.as_deref() == Some(RATE_LIMITED),
        _ => false,
    }
}

fn sentence(error: &Error) -> String {
    match error {
        Error::Api(problem) => words(problem),
        Error::Timeout(Some(_)) => "the server is not done and wants to be asked later".to_owned(),
        other => other.to_string(),
    }
}

/// A problem document's own words (RFC 7807), those for single names behind.
fn words(problem: &Problem) -> String {
    let mut said = problem.detail.clone().unwrap_or_else(|| "no reason was given".to_owned());
    if let Some(kind) = &problem.r#type {
        said.push_str(&format!(" ({kind})"));
    }
    for one in &problem.subproblems {
        said.push_str(&format!("; {one}"));
    }
    said
}
