import API
import APIMachinery
import Client
import Support

/// What ServiceCIDRs and IPAddresses say of the addresses of services, read as it is when an address is handed out.
struct ServiceRangeObjects: Sendable {
    /// What the server was started with.
    let configured: IPPrefix
    let ranges: any ObjectSet
    let addresses: any ObjectSet

    /// Where services may get addresses from now: the configured range first, then those of other objects in the order of
    /// their names. A range that goes gives none any more; one that nobody has looked at yet does (KEP-1880).
    ///
    /// Before the first object is made it is the configured range alone.
    var present: [IPPrefix] {
        let objects = ranges.list(namespace: nil).sorted { Self.rank($0) < Self.rank($1) }
        guard !objects.isEmpty else { return [configured] }
        return objects.filter { !$0.isDeleting }.map { ServiceCIDR($0) }.filter(Self.isReady)
            .flatMap { $0.spec.cidrs.compactMap { IPPrefix($0)?.network } }.filter { $0.family == configured.family }
    }

    /// Whether an address was given to something that is no service. The objects of services follow those, and say nothing
    /// here: what a service has given back is free before its object is gone.
    func isElsewhere(_ address: Support.IPAddress) -> Bool {
        guard let object = addresses.get(ObjectName(name: address.description)) else { return false }
        return !ServiceAddress.isManaged(API.IPAddress(object))
    }

    private static func rank(_ object: StoredObject) -> (Int, String) {
        (object.objectName == ConfiguredServiceRange.name ? 0 : 1, object.name)
    }

    private static func isReady(_ range: ServiceCIDR) -> Bool {
        range.status.conditions.first { $0.type == "Ready" }.map { $0.status == "True" } ?? true
    }
}
