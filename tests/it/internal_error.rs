//! The code that no input raises: PC9004, made through the library. How panics become one is the
//! command line's affair.

use portcullis::diag::internal::internal;
use portcullis::diag::levels::{Level, Levels, apply};
use portcullis::diag::{Code, Severity};
use portcullis::source::SourceMap;

#[test]
fn an_internal_error_asks_for_a_report_and_stands() {
    let raised = internal("the formatter changed the meaning");
    assert_eq!(raised.code, Code::PC9004);
    assert_eq!(
        raised.message,
        "internal error: the formatter changed the meaning"
    );
    assert!(raised.help.iter().any(|h| h.contains("report")));
    let mut levels = Levels::default();
    levels.flags.insert(Code::PC9004, Level::Allow);
    let told = apply(&SourceMap::default(), vec![raised], &levels);
    assert_eq!(
        told.iter().map(|d| d.severity).collect::<Vec<_>>(),
        [Severity::Error]
    );
}
