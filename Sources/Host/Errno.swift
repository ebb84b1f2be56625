import Glibc
public import Support

/// The number by which a system call says why it failed. The ``Support/Fault/cause`` of most of this module's
/// faults.
public struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
    public let number: Int32

    public init(_ number: Int32) { self.number = number }

    /// A path goes on behind what is no directory.
    public static let notADirectory = Errno(ENOTDIR)

    /// The reason that the last system call of this thread gave.
    static var last: Errno { Errno(errno) }

    /// The C library's words for it.
    public var description: String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The class of fault that a caller acts on.
    var code: Fault.Code {
        switch number {
        case ENOENT, ESRCH, ENODEV, ENXIO, EADDRNOTAVAIL, ENETUNREACH: .notFound
        case EEXIST, EBUSY, ENOTEMPTY, EADDRINUSE, ESTALE, ERESTART: .conflict
        case EPERM, EACCES, EROFS: .denied
        case ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, ENOBUFS: .full
        case EINVAL, ENOEXEC, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, ERANGE, EBADMSG: .invalid
        case ETIMEDOUT: .timedOut
        case EAGAIN, ECONNREFUSED: .unavailable
        case EOPNOTSUPP, ENOSYS, EAFNOSUPPORT, EPROTONOSUPPORT: .unsupported
        default: .failed
        }
    }
}

extension Fault {
    /// A failed system call as a fault: `summary` is what was tried, the reason is added to it.
    init(_ errno: Errno, _ summary: String, remedy: String? = nil) {
        self.init(errno.code, "\(summary): \(errno)", remedy: remedy)
        cause = errno
    }

    /// Why the operating system refused, when it was a system call that failed.
    public var errno: Errno? { cause as? Errno }
}

/// Makes a system call, again while a signal interrupts it. Any result but -1 is a success.
@discardableResult
func system<Result: FixedWidthInteger & SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result != -1 { return result }
        guard errno == EINTR else { throw .last }
    }
}

/// Says what was tried when system calls fail: the edge between `Errno` inside and `Fault` outside.
@discardableResult
func trying<Result: ~Copyable>(
    _ summary: @autoclosure () -> String, _ body: () throws(Errno) -> Result
) throws(Fault) -> Result {
    do {
        return try body()
    } catch {
        throw Fault(error, summary())
    }
}
