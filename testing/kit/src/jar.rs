//! Cookies as a browser keeps them, for one host.

use std::collections::BTreeMap;
use std::sync::Mutex;

use http::HeaderMap;
use http::header::SET_COOKIE;

/// Names and values.
#[derive(Debug, Default)]
pub struct Jar(Mutex<BTreeMap<String, String>>);

impl Jar {
    /// Puts a cookie in.
    pub fn put(&self, name: &str, value: &str) {
        self.0.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// Takes one out.
    pub fn take(&self, name: &str) -> Option<String> {
        self.0.lock().unwrap().remove(name)
    }

    /// The same cookies in another jar.
    #[must_use]
    pub fn copied(&self) -> Jar {
        Jar(Mutex::new(self.0.lock().unwrap().clone()))
    }

    /// The value of the first cookie whose name begins so.
    pub fn find(&self, prefix: &str) -> Option<String> {
        let cookies = self.0.lock().unwrap();
        cookies.iter().find(|(name, _)| name.starts_with(prefix)).map(|(_, value)| value.clone())
    }

    /// The `Cookie` header, if there is anything to send.
    pub fn header(&self) -> Option<String> {
        let cookies = self.0.lock().unwrap();
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Takes over what an answer sets or removes.
    pub fn learn(&self, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.take(name);
            } else {
                self.put(name, value);
            }
        }
    }
}
