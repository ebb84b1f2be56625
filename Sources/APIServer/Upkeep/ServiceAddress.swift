import API
import APIMachinery
import Support

/// What becomes of the IPAddress object of one address (KEP-1880). Pure; its shell is ``ServiceAddressKeeper``.
struct ServiceAddress: Sendable {
    enum Action: Hashable, Sendable {
        case nothing
        case create
        case remove
        /// The object says something else, which cannot be changed in it.
        case replace
    }

    private static let familyLabel = "ipaddress.kubernetes.io/ip-family"
    private static let managerLabel = "ipaddress.kubernetes.io/managed-by"
    private static let manager = "ipallocator.k8s.io"

    let address: Support.IPAddress
    /// The service that has the address.
    let owner: ObjectName?

    /// Whether the object is one of those that follow services.
    static func isManaged(_ object: API.IPAddress) -> Bool { object.metadata.labels[managerLabel] == manager }

    /// What to do where `present` is there. What somebody made for something else stays, as long as no service has it.
    func action(_ present: API.IPAddress?) -> Action {
        guard let present else { return owner == nil ? .nothing : .create }
        guard let object else { return Self.isManaged(present) ? .remove : .nothing }
        let labels = present.metadata.labels
        let isLabelled = object.metadata.labels.allSatisfy { labels[$0.key] == $0.value }
        return isLabelled && present.value["spec"] == object.value["spec"] ? .nothing : .replace
    }

    /// The object as it should be; `nil` when there should be none.
    var object: API.IPAddress? {
        guard let owner else { return nil }
        var object = API.IPAddress(name: address.description)
        object.metadata.labels = [Self.familyLabel: address.family.rawValue, Self.managerLabel: Self.manager]
        object.value["spec"] = [
            "parentRef": [
                "resource": "services", "namespace": .string(owner.namespace), "name": .string(owner.name),
            ]
        ]
        return object
    }
}
