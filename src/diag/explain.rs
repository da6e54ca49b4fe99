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
    PC1013 PC1014 PC1015 PC1016 PC2001 PC2002 PC2003 PC2004
    PC2005 PC2007 PC2008 PC2009 PC3001 PC3002 PC3003 PC3004
    PC3005 PC3006 PC3007 PC3008 PC3009 PC3010 PC3011 PC3012
    PC3013 PC3014 PC3015 PC3016 PC3020 PC3021 PC4001 PC4002
    PC4003 PC4004 PC4005 PC4006 PC4007 PC4008 PC4009 PC4010
    PC4011 PC4012 PC4013 PC4014 PC4015 PC4016 PC4017 PC4018
    PC4019 PC4020 PC4021 PC4022 PC4023 PC4024 PC4030 PC4031
    PC4032 PC4033 PC4034 PC4035 PC4036 PC4037 PC5001 PC5002
    PC5003 PC5004 PC5005 PC5006 PC5007 PC5008 PC5009 PC5010
    PC5011 PC5012 PC5013 PC5014 PC6001 PC6002 PC6003 PC6004
    PC6005 PC6006 PC6007 PC6008 PC6009 PC6010 PC6011 PC6012
    PC6013 PC6014 PC6015 PC6016 PC6017 PC6018 PC6019 PC6020
    PC7001 PC7002 PC7003 PC7004 PC7005 PC7006 PC7007 PC7008
    PC8001 PC8004 PC8005 PC8006 PC8010
    PC9001 PC9002 PC9003 PC9004 PC9005 PC9006 PC9007 PC9008
    PC9009 PC9010 PC9011
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
