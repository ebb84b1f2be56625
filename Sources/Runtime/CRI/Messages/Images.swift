extension CRI {
    /// An image that the runtime holds.
    public struct Image: ProtobufMessage, Hashable {
        /// The digest of its configuration.
        public var id = ""
        public var repoTags: [String] = []
        public var repoDigests: [String] = []
        /// Bytes.
        public var size: UInt64 = 0
        /// The user of the image, when it is a number.
        public var uid: Int64?
        /// The user of the image, when it is a name.
        public var username = ""
        public var spec = ImageSpec()
        /// Never removed to make room.
        public var pinned = false

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &id)
            fields.strings(2, &repoTags)
            fields.strings(3, &repoDigests)
            fields.integer(4, &size)
            fields.wrapped(5, &uid)
            fields.string(6, &username)
            fields.message(7, &spec)
            fields.bool(8, &pinned)
        }
    }

    /// How a pull proves who it is.
    public struct AuthConfig: ProtobufMessage, Hashable {
        public var username = ""
        public var password = ""
        /// Base64 of `username:password`.
        public var auth = ""
        public var serverAddress = ""
        public var identityToken = ""
        public var registryToken = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &username)
            fields.string(2, &password)
            fields.string(3, &auth)
            fields.string(4, &serverAddress)
            fields.string(5, &identityToken)
            fields.string(6, &registryToken)
        }
    }

    /// How much of a file system images or containers use.
    public struct FilesystemUsage: ProtobufMessage, Hashable {
        public var timestamp: Int64 = 0
        public var filesystem = FilesystemIdentifier()
        public var usedBytes: UInt64?
        public var inodesUsed: UInt64?

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &timestamp)
            fields.message(2, &filesystem)
            fields.wrapped(3, &usedBytes)
            fields.wrapped(4, &inodesUsed)
        }
    }

    public struct FilesystemIdentifier: ProtobufMessage, Hashable {
        public var mountpoint = ""

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.string(1, &mountpoint) }
    }

    /// Where images are kept, and where containers write.
    public struct ImageFilesystems: ProtobufMessage, Hashable {
        public var images: [FilesystemUsage] = []
        public var containers: [FilesystemUsage] = []

        public init() {}

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.messages(1, &images)
            fields.messages(2, &containers)
        }
    }
}
