/// The one error type that crosses a module boundary.
///
/// `code` is for programs, `summary` says what failed, `remedy` tells a person what to do next.
/// API answers are the exception: they are Kubernetes `Status` values, because clients match on them.
public struct Fault: Error, Sendable, CustomStringConvertible {
    /// Open set: new codes may be added without breaking a caller's `switch`.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String
        private init(_ name: String) { description = name }
        /// Somebody else changed the same thing first.
        public static let conflict = Code("conflict")
        /// A lifetime ran out: a certificate, a lease, a revision that was compacted.
        public static let expired = Code("expired")
        /// The other side cannot be reached, or says that it cannot serve now. Trying again may help.
        public static let unavailable = Code("unavailable")
        /// Stored data does not read back as what was written.
        public static let corrupt = Code("corrupt")
        /// What was given (a flag, a file, a field) cannot be used.
        public static let invalid = Code("invalid")
        /// What was asked for is not there.
        public static let notFound = Code("not found")
        /// The operating system, or a policy, does not allow it.
        public static let denied = Code("denied")
        /// A disk, a table or a queue has no room left.
        public static let full = Code("full")
        /// The answer did not come in time.
        public static let timedOut = Code("timed out")
        /// This version has no such part. The summary names it.
        public static let unsupported = Code("unsupported")
        /// A system call or a library failed in a way that has no better name.
        public static let failed = Code("failed")
    }

    public var code: Code
    public var summary: String
    public var remedy: String?
    public var cause: (any Error)?

    public init(_ code: Code, _ summary: String, remedy: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.summary = summary
        self.remedy = remedy
        self.cause = cause
    }

    public var description: String {
        var text = "\(code): \(summary)"
        if let remedy { text += "; \(remedy)" }
        if let cause { text += " (because: \(cause))" }
        return text
    }
}
