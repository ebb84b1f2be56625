/// `containerd.services.content.v1.WriteContentRequest`: the method takes a stream of these; a blob that fits
/// one message is written and committed by one.
struct WriteContentRequest: ProtobufMessage {
    private enum Action: Int32 {
        case stat = 0
        case write = 1
        case commit = 2
    }

    private var action = Action.commit
    var ref = ""
    var total: Int64 = 0
    var expected = ""
    var data: [UInt8] = []
    var labels: [String: String] = [:]

    init() {}

    init(ref: String, total: Int64, expected: String, data: [UInt8], labels: [String: String]) {
        self.ref = ref
        self.total = total
        self.expected = expected
        self.data = data
        self.labels = labels
    }

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.choice(1, &action)
        fields.string(2, &ref)
        fields.integer(3, &total)
        fields.string(4, &expected)
        fields.bytes(6, &data)
        fields.map(7, &labels)
    }
}

/// `containerd.services.images.v1.Image`: a name and what it refers to.
struct ImageRecord: ProtobufMessage {
    var name = ""
    var labels: [String: String] = [:]
    var target: ContentDescriptor?

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &name)
        fields.map(2, &labels)
        fields.message(3, &target)
    }
}

/// `containerd.types.Descriptor`.
struct ContentDescriptor: ProtobufMessage {
    var mediaType = ""
    var digest = ""
    var size: Int64 = 0

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &mediaType)
        fields.string(2, &digest)
        fields.integer(3, &size)
    }
}

/// `containerd.services.images.v1.UpdateImageRequest`: without a mask the whole record is replaced.
struct UpdateImageRequest: ProtobufMessage {
    var image = ImageRecord()
    var mask: FieldMask?

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.message(1, &image)
        fields.message(2, &mask)
    }
}

/// `google.protobuf.FieldMask`.
struct FieldMask: ProtobufMessage {
    var paths: [String] = []

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.strings(1, &paths) }
}

/// `containerd.services.images.v1.ListImagesRequest`.
struct ListImagesRequest: ProtobufMessage {
    var filters: [String] = []

    mutating func visit<F: ProtobufFields>(_ fields: inout F) { fields.strings(1, &filters) }
}

/// `containerd.services.leases.v1.CreateRequest`.
struct CreateLeaseRequest: ProtobufMessage {
    var id = ""
    var labels: [String: String] = [:]

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &id)
        fields.map(3, &labels)
    }
}
