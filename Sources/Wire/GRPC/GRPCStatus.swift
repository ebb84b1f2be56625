public import Support

/// How a gRPC call ended, when it did not end well. Also the error that every failed call throws.
public struct GRPCStatus: Error, Hashable, Sendable, CustomStringConvertible {
    /// The status codes of gRPC. An open set: a server may send numbers that have no name here.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public var rawValue: Int
        public init(rawValue: Int) { self.rawValue = rawValue }

        public static let ok = Code(rawValue: 0)
        public static let cancelled = Code(rawValue: 1)
        public static let unknown = Code(rawValue: 2)
        public static let invalidArgument = Code(rawValue: 3)
        public static let deadlineExceeded = Code(rawValue: 4)
        public static let notFound = Code(rawValue: 5)
        public static let alreadyExists = Code(rawValue: 6)
        public static let permissionDenied = Code(rawValue: 7)
        public static let resourceExhausted = Code(rawValue: 8)
        public static let failedPrecondition = Code(rawValue: 9)
        public static let aborted = Code(rawValue: 10)
        public static let outOfRange = Code(rawValue: 11)
        public static let unimplemented = Code(rawValue: 12)
        public static let `internal` = Code(rawValue: 13)
        /// The server cannot be reached, or went away: trying again may help.
        public static let unavailable = Code(rawValue: 14)
        public static let dataLoss = Code(rawValue: 15)
        public static let unauthenticated = Code(rawValue: 16)
    }

    public var code: Code
    public var message: String
    /// The trailers of the answer, `grpc-status` and `grpc-message` left out; `grpc-status-details-bin` is
    /// among them.
    public var trailers: GRPCMetadata

    public init(_ code: Code, _ message: String, trailers: GRPCMetadata = GRPCMetadata()) {
        self.code = code
        self.message = message
        self.trailers = trailers
    }

    public var description: String { "\(code): \(message)" }

    /// As gRPC's library for Go prints it, which is how people know it from the events of their pods:
    /// `rpc error: code = NotFound desc = …`.
    public var textOfGo: String { "rpc error: code = \(code.nameOfGo) desc = \(message)" }
}

extension GRPCStatus.Code: CustomStringConvertible {
    private static let names = [
        "ok", "cancelled", "unknown", "invalid argument", "deadline exceeded", "not found", "already exists",
        "permission denied", "resource exhausted", "failed precondition", "aborted", "out of range",
        "unimplemented", "internal", "unavailable", "data loss", "unauthenticated",
    ]

    public var description: String {
        Self.names.indices.contains(rawValue) ? Self.names[rawValue] : "code \(rawValue)"
    }

    fileprivate var nameOfGo: String {
        let names = [
            "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
            "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange",
            "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
        ]
        return names.indices.contains(rawValue) ? names[rawValue] : "Code(\(rawValue))"
    }

    /// What an HTTP status means when the answer holds no gRPC status ("HTTP to gRPC Status Code Mapping").
    init(httpStatus: String) {
        switch httpStatus {
        case "400": self = .internal
        case "401": self = .unauthenticated
        case "403": self = .permissionDenied
        case "404": self = .unimplemented
        case "429", "502", "503", "504": self = .unavailable
        default: self = .unknown
        }
    }
}

extension Fault {
    /// A failed call as a fault of the module that made it; `summary` says what was tried.
    public init(_ summary: String, _ status: GRPCStatus, remedy: String? = nil) {
        let code: Code =
            switch status.code {
            case .notFound: .notFound
            case .alreadyExists, .aborted: .conflict
            case .permissionDenied, .unauthenticated: .denied
            case .resourceExhausted: .full
            case .deadlineExceeded: .timedOut
            case .unavailable: .unavailable
            case .invalidArgument, .outOfRange, .failedPrecondition: .invalid
            case .unimplemented: .unsupported
            case .dataLoss: .corrupt
            default: .failed
            }
        self.init(code, summary, remedy: remedy, cause: status)
    }
}
