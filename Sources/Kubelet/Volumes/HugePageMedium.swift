import API
import APIMachinery
import Support

/// The pages of an `emptyDir` of the medium `HugePages`, or `HugePages-2Mi`: those of one size that a container of the pod
/// asks for (Kubernetes documentation, "Manage HugePages"). Pure; the words are those of Kubernetes.
enum HugePageMedium {
    private static let resource = "hugepages-"

    /// Fails with `invalid` where the pod asks for none, or for several sizes of which none is named.
    static func pageSize(_ medium: String, of pod: Pod) throws(Fault) -> ByteCount {
        let named = medium == "HugePages" ? nil : String(medium.dropFirst("HugePages-".count))
        var wanted: Quantity?
        if let named {
            wanted = try? Quantity(named)
            guard wanted != nil else { throw Fault(.invalid, "medium \(medium) names no size of pages") }
        }
        var found: Quantity?
        for container in pod.spec.containers + pod.spec.initContainers {
            for name in container.resources.requests.keys.sorted() where name.hasPrefix(resource) {
                guard let size = try? Quantity(String(name.dropFirst(resource.count))), size.sign > 0 else { continue }
                if let wanted, wanted.value != size.value { continue }
                guard found == nil || found?.value == size.value else {
                    throw Fault(
                        .invalid, "medium: \(medium) can't be used if container requests multiple huge page sizes")
                }
                found = size
            }
        }
        guard let found else {
            throw Fault(
                .invalid,
                "medium \(medium): hugePages storage requested, but there is no resource request for huge pages")
        }
        return ByteCount(found.value)
    }
}
