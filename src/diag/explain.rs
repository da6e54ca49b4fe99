//! The long text of each code, embedded from docs/diagnostics. It holds no text of its own.

use super::Code;

macro_rules! pages {
    ($($code:ident)*) => {
        /// The page of a code, as Markdown.
        // INVARIANT: the match has no wildcard, so a code without a page does not compile.
        #[must_use]
        pub fn page(code: Code) -> &'static str {
            match code {
                $(Code::$code => include_str!(concat!(
                    "../../docs/diagnostics/",
                    stringify!($code),
                    ".md"
                )),)*
            }
        }
    };
}

pages! {
    PC0001 PC0002 PC0003 PC0004 PC0005 PC0006 PC0007 PC0008
    PC0009 PC0010 PC0011 PC0012 PC1001 PC1002 PC1003 PC1004
    PC1005 PC1006 PC1007 PC1008 PC1009 PC1010 PC1011 PC1012
    PC1013 PC1014 PC2001 PC2002 PC2003 PC2004 PC2005 PC2007 PC3001
    PC3002 PC3003 PC3004 PC3005 PC3006 PC3007 PC3008 PC3011
    PC3012 PC4001 PC4002 PC4004 PC4005 PC4006 PC4007 PC4009
    PC4010 PC4011 PC4012 PC4013 PC4014 PC4016 PC4017 PC4018
    PC4020 PC5013 PC7004 PC7006 PC9001 PC9002 PC9004 PC9005
    PC9006 PC9007 PC9008 PC9009
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::CODES;

    #[test]
    fn every_page_has_its_title() {
        for info in CODES {
            let title = format!("# {}: ", info.id);
            assert!(page(info.code).starts_with(&title), "{}", info.id);
        }
    }
}
