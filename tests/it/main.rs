//! The one integration test binary: each part has its own file. No test stands here.

mod apim;
