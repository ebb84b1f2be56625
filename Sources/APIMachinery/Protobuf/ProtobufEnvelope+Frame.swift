extension ProtobufEnvelope {
    /// What stands before and behind a message of `length` bytes in its envelope, for those who send the message in
    /// pieces and never hold it whole.
    public static func frame(
        apiVersion: String, kind: String, length: Int
    ) -> (head: [UInt8], tail: [UInt8]) {
        var tail = ProtobufWriter(capacity: 4)
        tail.write("", field: 4)
        tail.write("", field: 3)
        var head = ProtobufWriter(capacity: apiVersion.utf8.count + kind.utf8.count + 32)
        head.prepend(varint: UInt64(length))
        head.prepend(tag: 2, .lengthDelimited)
        head.write(field: 1) { writer in
            writer.write(kind, field: 2)
            writer.write(apiVersion, field: 1)
        }
        return (magic + head.bytes, tail.bytes)
    }

    /// One element of a repeated field of messages, as it stands in the message around it.
    public static func element(_ message: [UInt8], field: Int) -> [UInt8] {
        var writer = ProtobufWriter(capacity: message.count + 12)
        writer.write(message, field: field)
        return writer.bytes
    }
}
