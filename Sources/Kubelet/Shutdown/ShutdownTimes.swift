import APIMachinery
import Support

/// When the machine last went down in good order, as Kubernetes writes it into `graceful_node_shutdown_state`.
struct ShutdownTimes: Hashable, Sendable {
    static let file = "graceful_node_shutdown_state"

    var begin: Timestamp?
    var end: Timestamp?

    init(begin: Timestamp? = nil, end: Timestamp? = nil) {
        self.begin = begin
        self.end = end
    }

    /// Fails for what is no JSON; times that are not readable are none.
    init(json: [UInt8]) throws {
        let value = try Value(json: json)
        func time(_ name: String) -> Timestamp? {
            // Go's zero time stands for none.
            value[name]?.string.flatMap { Timestamp($0) }.flatMap { $0.seconds > 0 ? $0 : nil }
        }
        self.init(begin: time("startTime"), end: time("endTime"))
    }

    var json: [UInt8] {
        func text(_ time: Timestamp?) -> Value {
            .string(time.map { $0.format(fractionDigits: 9) } ?? "0001-01-01T00:00:00Z")
        }
        return (["startTime": text(begin), "endTime": text(end)] as Value).json
    }
}
