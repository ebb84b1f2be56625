/// A whole message, its fragments put together.
public enum WebSocketMessage: Hashable, Sendable {
    case binary([UInt8])
    case text(String)

    /// The bytes of either kind.
    public var bytes: [UInt8] {
        switch self {
        case .binary(let bytes): bytes
        case .text(let text): Array(text.utf8)
        }
    }
}

/// Why a side closed the connection (RFC 6455, section 7.4). An open set.
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let normal = WebSocketCloseCode(rawValue: 1000)
    public static let goingAway = WebSocketCloseCode(rawValue: 1001)
    public static let protocolError = WebSocketCloseCode(rawValue: 1002)
    public static let unsupportedData = WebSocketCloseCode(rawValue: 1003)
    /// Stands for a close without a code; never sent.
    public static let none = WebSocketCloseCode(rawValue: 1005)
    /// A text that is not UTF-8.
    public static let invalidData = WebSocketCloseCode(rawValue: 1007)
    public static let policyViolation = WebSocketCloseCode(rawValue: 1008)
    public static let tooLarge = WebSocketCloseCode(rawValue: 1009)
    public static let internalError = WebSocketCloseCode(rawValue: 1011)

    /// Whether the code may stand in a frame: 1004 to 1006 and 1015 have a meaning only inside a program.
    var isSendable: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// A close with its reason.
public struct WebSocketClose: Error, Hashable, Sendable {
    public var code: WebSocketCloseCode
    /// For people; at most 123 bytes are sent.
    public var reason: String

    public init(_ code: WebSocketCloseCode, _ reason: String = "") {
        self.code = code
        self.reason = reason
    }
}
