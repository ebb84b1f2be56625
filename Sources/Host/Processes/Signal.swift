import Glibc

/// A signal by its number.
public struct Signal: Hashable, Sendable, CustomStringConvertible {
    public let number: Int32

    public init(_ number: Int32) { self.number = number }

    public static let hangUp = Signal(SIGHUP)
    public static let interrupt = Signal(SIGINT)
    public static let quit = Signal(SIGQUIT)
    public static let kill = Signal(SIGKILL)
    public static let user1 = Signal(SIGUSR1)
    public static let user2 = Signal(SIGUSR2)
    public static let terminate = Signal(SIGTERM)
    public static let windowChanged = Signal(SIGWINCH)

    /// `SIGTERM`; a number for what has no usual name.
    public var description: String {
        switch self {
        case .hangUp: "SIGHUP"
        case .interrupt: "SIGINT"
        case .quit: "SIGQUIT"
        case .kill: "SIGKILL"
        case .user1: "SIGUSR1"
        case .user2: "SIGUSR2"
        case .terminate: "SIGTERM"
        case .windowChanged: "SIGWINCH"
        case Signal(SIGABRT): "SIGABRT"
        case Signal(SIGSEGV): "SIGSEGV"
        case Signal(SIGPIPE): "SIGPIPE"
        case Signal(SIGILL): "SIGILL"
        case Signal(SIGTRAP): "SIGTRAP"
        default: "signal \(number)"
        }
    }
}
