import APIMachinery
import Support

/// What is particular to APIServices: those that this server answers for itself are available from the first moment.
struct APIServiceStrategy: ResourceStrategy {
    let now: @Sendable () -> Timestamp

    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        object["status"] = [:]
        guard ExtensionServer(object) == nil else { return }
        object = APIServiceCondition.local.set(in: object, at: now())
    }
}
