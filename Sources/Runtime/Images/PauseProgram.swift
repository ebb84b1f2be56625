/// The program of the pause image: the first process of every sandbox, which holds its namespaces.
///
/// It is written here instruction by instruction because all it does fits in a hundred bytes, and so no
/// compiler, no other architecture's linker and no download stands between this repository and a node that is
/// Ready:
///
///     block SIGINT, SIGTERM and SIGCHLD
///     forever:
///         wait for one of them
///         SIGCHLD: take note of every child that has ended, so that none stays a zombie
///         SIGINT or SIGTERM: exit with 0
///
/// Blocked signals are kept even for the first process of a pid namespace, which otherwise gets none that it
/// does not handle (pid_namespaces(7)); so it needs no handlers, no stack and no memory but its code.
enum PauseProgram {
    /// A static ELF executable, or `nil` for an architecture (as OCI names it) that it is not written for.
    static func executable(architecture: String) -> [UInt8]? {
        switch architecture {
        case "amd64": elf(machine: 62, code: amd64)
        case "arm64": elf(machine: 183, code: arm64)
        default: nil
        }
    }

    /// SIGINT (2), SIGTERM (15) and SIGCHLD (17) as a set of the kernel: signal n is bit n - 1.
    private static let signals: [UInt8] = [0x02, 0x40, 0x01, 0, 0, 0, 0, 0]

    /// Numbers of system calls: `arch/x86/entry/syscalls/syscall_64.tbl`.
    private static let amd64: [UInt8] =
        [0xB8, 14, 0, 0, 0]  //                      mov   eax, rt_sigprocmask
        + [0x31, 0xFF]  //                           xor   edi, edi             SIG_BLOCK
        + [0x48, 0x8D, 0x35, 0x4F, 0, 0, 0]  //      lea   rsi, [rip + signals]
        + [0x31, 0xD2]  //                           xor   edx, edx             the old set is not wanted
        + [0x41, 0xBA, 8, 0, 0, 0]  //               mov   r10d, 8              bytes in a set
        + [0x0F, 0x05]  //                           syscall
        // wait:
        + [0xB8, 128, 0, 0, 0]  //                   mov   eax, rt_sigtimedwait
        + [0x48, 0x8D, 0x3D, 0x39, 0, 0, 0]  //      lea   rdi, [rip + signals]
        + [0x31, 0xF6]  //                           xor   esi, esi             no details
        + [0x31, 0xD2]  //                           xor   edx, edx             no time limit
        + [0x41, 0xBA, 8, 0, 0, 0]  //               mov   r10d, 8
        + [0x0F, 0x05]  //                           syscall
        + [0x83, 0xF8, 17]  //                       cmp   eax, SIGCHLD
        + [0x74, 0x0D]  //                           je    reap
        + [0x85, 0xC0]  //                           test  eax, eax
        + [0x78, 0xDF]  //                           js    wait                 interrupted by a stop
        + [0xB8, 231, 0, 0, 0]  //                   mov   eax, exit_group
        + [0x31, 0xFF]  //                           xor   edi, edi
        + [0x0F, 0x05]  //                           syscall
        // reap:
        + [0xB8, 61, 0, 0, 0]  //                    mov   eax, wait4
        + [0x48, 0x83, 0xCF, 0xFF]  //               or    rdi, -1              any child
        + [0x31, 0xF6]  //                           xor   esi, esi
        + [0xBA, 1, 0, 0, 0]  //                     mov   edx, WNOHANG
        + [0x45, 0x31, 0xD2]  //                     xor   r10d, r10d
        + [0x0F, 0x05]  //                           syscall
        + [0x85, 0xC0]  //                           test  eax, eax
        + [0x7F, 0xE7]  //                           jg    reap
        + [0xEB, 0xBB]  //                           jmp   wait
        + signals

    /// Numbers of system calls: `include/uapi/asm-generic/unistd.h`.
    private static let arm64: [UInt8] =
        [
            0xD280_0000,  //        mov   x0, SIG_BLOCK
            0x1000_0341,  //        adr   x1, signals
            0xD280_0002,  //        mov   x2, 0              the old set is not wanted
            0xD280_0103,  //        mov   x3, 8              bytes in a set
            0xD280_10E8,  //        mov   x8, rt_sigprocmask (135)
            0xD400_0001,  //        svc   0
            // wait:
            0x1000_02A0,  //        adr   x0, signals
            0xD280_0001,  //        mov   x1, 0              no details
            0xD280_0002,  //        mov   x2, 0              no time limit
            0xD280_0103,  //        mov   x3, 8
            0xD280_1128,  //        mov   x8, rt_sigtimedwait (137)
            0xD400_0001,  //        svc   0
            0x7100_441F,  //        cmp   w0, SIGCHLD (17)
            0x5400_00A0,  //        b.eq  reap
            0x37FF_FF00,  //        tbnz  w0, 31, wait       interrupted by a stop
            0xD280_0000,  //        mov   x0, 0
            0xD280_0BC8,  //        mov   x8, exit_group (94)
            0xD400_0001,  //        svc   0
            // reap:
            0x9280_0000,  //        mov   x0, -1             any child
            0xD280_0001,  //        mov   x1, 0
            0xD280_0022,  //        mov   x2, WNOHANG
            0xD280_0003,  //        mov   x3, 0
            0xD280_2088,  //        mov   x8, wait4 (260)
            0xD400_0001,  //        svc   0
            0x7100_001F,  //        cmp   w0, 0
            0x54FF_FF2C,  //        b.gt  reap
            0x17FF_FFEC,  //        b     wait
        ].flatMap { (word: UInt32) in littleEndian(word) } + signals

    /// The smallest executable there is: the file's header, one segment that loads the whole file, the code
    /// (elf(5)).
    private static func elf(machine: UInt16, code: [UInt8]) -> [UInt8] {
        let (headerSize, segmentSize): (UInt16, UInt16) = (64, 56)
        let address: UInt64 = 0x40_0000
        let size = UInt64(headerSize + segmentSize) + UInt64(code.count)
        let kind: (executable: UInt16, load: UInt32, readAndExecute: UInt32) = (2, 1, 5)
        // 64-bit, little-endian, version 1, then padding.
        var bytes: [UInt8] = [0x7F] + "ELF".utf8 + [2, 1, 1] + [UInt8](repeating: 0, count: 9)
        bytes += littleEndian(kind.executable) + littleEndian(machine) + littleEndian(UInt32(1))
        bytes += littleEndian(address + UInt64(headerSize + segmentSize))  // where it begins
        bytes += littleEndian(UInt64(headerSize)) + littleEndian(UInt64(0))  // segments, no sections
        bytes += littleEndian(UInt32(0)) + littleEndian(headerSize)  // no flags
        bytes += littleEndian(segmentSize) + littleEndian(UInt16(1))  // one segment
        bytes += [UInt8](repeating: 0, count: 6)  // sections
        bytes += littleEndian(kind.load) + littleEndian(kind.readAndExecute)
        bytes += littleEndian(UInt64(0)) + littleEndian(address) + littleEndian(address)
        bytes += littleEndian(size) + littleEndian(size) + littleEndian(UInt64(0x1000))
        return bytes + code
    }
}

private func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
