//! Detection of the matrix units (AMX), and the permission to use them.
//!
//! The tile registers are large, so Linux saves them only for processes that request it.

use std::{
    arch::x86_64::{__cpuid, __cpuid_count, _xgetbv},
    sync::OnceLock,
};

/// Whether the processor has AMX with bf16 and AVX-512 with bf16, and the operating system lets this process use the tiles.
pub(super) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| super::avx512_bf16::is_available() && has_tiles() && request_tiles())
}

/// Whether CPUID reports AMX-TILE and AMX-BF16, and XCR0 that the operating system saves the tile registers.
fn has_tiles() -> bool {
    const BF16_AND_TILE: u32 = 1 << 22 | 1 << 24;
    const TILECFG_AND_TILEDATA: u64 = 0b11 << 17;
    const OSXSAVE: u32 = 1 << 27;
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & OSXSAVE == 0 {
        return false;
    }
    // SAFETY: OSXSAVE means that the instruction is enabled.
    let saved = unsafe { read_xcr0() };
    __cpuid_count(7, 0).edx & BF16_AND_TILE == BF16_AND_TILE
        && saved & TILECFG_AND_TILEDATA == TILECFG_AND_TILEDATA
}

/// # Safety
/// The processor has XSAVE, enabled by the system.
#[target_feature(enable = "xsave")]
unsafe fn read_xcr0() -> u64 {
    // SAFETY: by this function's own contract.
    unsafe { _xgetbv(0) }
}

/// Requests permission to use the tile registers, for the whole process.
fn request_tiles() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: this call of arch_prctl takes two integers and changes only the permission.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

/// Whether the matrix units also multiply int8 (AMX-INT8).
pub(crate) fn has_int8() -> bool {
    const INT8: u32 = 1 << 25;
    is_available() && __cpuid_count(7, 0).edx & INT8 != 0
}
