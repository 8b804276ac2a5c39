//! What computes: CPU kernels chosen at run time, or a GPU through candle.
