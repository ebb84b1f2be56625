import APIMachinery
import Client
import Wire

/// How many seats a request takes: one, and more if it answers with many objects at once (Kubernetes documentation,
/// "Seats Occupied by a Request"; what they count by since 1.34 is the size of the objects).
enum SeatWidth {
    private static let bytesPerSeat = 100_000
    /// An answer is streamed: more than so many bytes of it are never in memory at once.
    private static let mostBytes = 1_000_000
    private static let most = 10

    /// How many seats one request of a level takes at most: a bound for all, and where requests wait in queues, as much
    /// less as the level is small.
    static func widest(_ level: PriorityLevel, nominal: Int) -> Int {
        guard let queuing = level.queuing else { return most }
        let handfuls = (nominal + queuing.handSize - 1) / queuing.handSize
        return max(1, min(most, handfuls, nominal * 15 / 100))
    }

    static func of(_ call: FrontCall, _ registry: Registry, widest: Int) -> Int {
        guard call.info.name.isEmpty, let resource = call.info.resource, answersWithMany(call),
            let cache = registry[resource]?.store?.cache
        else { return 1 }
        return of(cache.counts, limit: call.query["limit"].flatMap { Int($0) } ?? 0, widest: widest)
    }

    /// A watch does so when it begins with what is there.
    private static func answersWithMany(_ call: FrontCall) -> Bool {
        switch call.info.verb {
        case "list": true
        case "watch": call.query.flag("sendInitialEvents")
        default: false
        }
    }

    /// For a list of these objects; zero is no limit.
    static func of(_ counts: ResourceCache.Counts, limit: Int, widest: Int) -> Int {
        guard counts.objects > 0 else { return 1 }
        let listed = limit > 0 ? min(limit, counts.objects) : counts.objects
        let bytes = min(Double(listed) * Double(counts.bytes) / Double(counts.objects), Double(mostBytes))
        return max(1, min(widest, (Int(bytes) + bytesPerSeat - 1) / bytesPerSeat))
    }
}
