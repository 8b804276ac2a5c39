//! News items of NewsML-G2 and NITF.

#![no_main]

samestory_fuzz::target!(samestory_fuzz::readers::stories::NEWS_XML);
