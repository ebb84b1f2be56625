/// The two messages of the health protocol, a field each.
enum GRPCHealth {
    static let serving = 1

    /// `HealthCheckRequest`: field 1, the service.
    static func request(_ service: String) -> [UInt8] {
        guard !service.isEmpty else { return [] }
        var length = service.utf8.count
        var bytes: [UInt8] = [0x0A]
        while length > 127 {
            bytes.append(UInt8(length & 127) | 128)
            length >>= 7
        }
        return bytes + [UInt8(length)] + Array(service.utf8)
    }

    /// `HealthCheckResponse`: field 1, a number; absent means unknown.
    static func status(in message: [UInt8]) -> Int {
        message.count == 2 && message[0] == 0x08 ? Int(message[1]) : 0
    }

    static func name(_ status: Int) -> String {
        let names = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]
        return names.indices.contains(status) ? names[status] : String(status)
    }
}
