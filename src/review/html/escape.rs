//! Texts made harmless: inside markup, inside a script block of data, as a word of a shell. It makes no
//! markup.

use sha2::{Digest, Sha256};

use crate::review::harmless::harmless;

/// Makes a text harmless inside markup and attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The same, with places where a long word may break.
pub(super) fn breakable(text: &str) -> String {
    let mut out = escape(text);
    let longest = text.split([' ', '/']).map(str::len).max().unwrap_or(0);
    if longest <= 16 && !text.contains('/') {
        return out;
    }
    for sign in ["/", "::", ".", "("] {
        out = out.replace(sign, &format!("{sign}<wbr>"));
    }
    out
}

/// JSON that can stand in a script block: nothing in it ends the block.
pub(super) fn json(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// The hash of an inline script as a content security policy names it.
pub(super) fn script_hash(script: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(script.as_bytes());
    let mut out = String::from("sha256-");
    for chunk in digest.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            if at > chunk.len() {
                out.push('=');
                continue;
            }
            let sign = (bits >> (18 - 6 * at)) & 63;
            let sign = SIGNS.get(sign as usize).copied().unwrap_or(b'A');
            out.push(char::from(sign));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_what_it_stands_in() {
        let hostile = "</script><img src=x onerror='alert(1)'>\u{202e}\u{0}";
        let text = escape(hostile);
        assert!(!text.contains(['<', '>', '\'', '"', '\u{202e}', '\u{0}']));
        let value = serde_json::json!({ "a": hostile, "b": "\u{2028}" });
        let text = json(&value);
        assert!(!text.contains(['<', '>', '&', '\u{2028}']));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).ok(),
            Some(value)
        );
    }

    /// The empty text's digest in base64, as every tool prints it.
    #[test]
    fn a_script_is_known_by_its_hash() {
        assert_eq!(
            script_hash(""),
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }
}
