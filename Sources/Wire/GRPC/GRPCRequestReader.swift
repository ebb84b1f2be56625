import NIOHPACK

/// Follows a request of one message, on the side of the server. Pure.
struct GRPCRequestReader {
    private(set) var path = ""
    /// The caller has sent all that it will.
    private(set) var isComplete = false
    private var reader: GRPCMessageReader
    private var messages: [[UInt8]] = []

    init(messageLimit: Int) { reader = GRPCMessageReader(limit: messageLimit) }

    /// Fails for what is no gRPC ("Requests" of the gRPC over HTTP/2 specification).
    mutating func headers(_ headers: HPACKHeaders, isEnd: Bool) throws(GRPCStatus) {
        isComplete = isEnd
        // Fields after the message say nothing that anybody needs.
        guard path.isEmpty else { return }
        path = headers.first(name: ":path") ?? ""
        guard headers.first(name: ":method") == "POST",
            headers.first(name: "content-type")?.hasPrefix("application/grpc") == true
        else { throw GRPCStatus(.internal, "the request is not one of gRPC") }
    }

    mutating func data(_ bytes: some Collection<UInt8>, isEnd: Bool) throws(GRPCStatus) {
        isComplete = isEnd
        messages += try reader.receive(bytes)
        guard messages.count <= 1 else { throw GRPCStatus(.unimplemented, "the method takes one message") }
    }

    /// The message of a request that is complete.
    func message() throws(GRPCStatus) -> [UInt8] {
        guard isComplete else {
            throw GRPCStatus(.cancelled, "the caller left before it had sent its message")
        }
        guard let message = messages.first, reader.isBetweenMessages else {
            throw GRPCStatus(.internal, "the request ended without a whole message")
        }
        return message
    }
}
