import Client
import Wire

/// How many seats a request takes: a list as many as it has hundreds of objects, up to a bound, anything else one
/// (Kubernetes documentation, "Seats Occupied by a Request").
enum SeatWidth {
    private static let objectsPerSeat = 100
    private static let most = 10

    static func of(_ call: FrontCall, _ registry: Registry) -> Int {
        guard call.info.verb == "list", call.info.name.isEmpty, let resource = call.info.resource,
            let store = registry[resource]?.store
        else { return 1 }
        var objects = store.cache.counts.objects
        if let limit = call.query["limit"].flatMap({ Int($0) }), limit > 0 { objects = min(objects, limit) }
        return max(1, min(most, (objects + objectsPerSeat - 1) / objectsPerSeat))
    }
}
