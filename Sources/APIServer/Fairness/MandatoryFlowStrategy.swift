import APIMachinery
import Client

/// The mandatory flow schemas and priority levels stay as they are, whoever writes them: without them there may be no way
/// back into a cluster. What the level `exempt` counts for may be changed.
struct MandatoryFlowStrategy: ResourceStrategy {
    let resource: GroupVersionResource

    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) throws(Status) { try check(object) }

    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) throws(Status) {
        try check(object)
    }

    private func check(_ object: Value) throws(Status) {
        let name = object.at("metadata", "name")?.string ?? ""
        guard let wanted = StandardFlows.mandatory(resource, name) else { return }
        let (spec, right) = (object["spec"] ?? .emptyObject, wanted.spec)
        guard wanted.fixed(spec) != wanted.fixed(right) else { return }
        let exception = right["exempt"] == nil ? "" : " except the 'spec.exempt' field"
        throw .invalid(
            wanted.kind, name, [.invalid("spec", value: spec, "spec of '\(name)'\(exception) must equal the fixed value")])
    }
}
