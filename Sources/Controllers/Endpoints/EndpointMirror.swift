import API
import APIMachinery
import Client
import Support

/// Which EndpointSlices to keep for an Endpoints object that somebody wrote by hand, so that what reads slices alone finds
/// its addresses (KEP-752, "EndpointSliceMirroring Controller").
///
/// Pure; its shell is ``EndpointSliceMirroring``.
struct EndpointMirror: Sendable {
    static let manager = "endpointslicemirroring-controller.k8s.io"
    static let skipLabel = "endpointslice.kubernetes.io/skip-mirror"
    private static let leaderAnnotation = "control-plane.alpha.kubernetes.io/leader"
    private static let notCopied = [
        SlicePacking.triggerAnnotation, "kubectl.kubernetes.io/last-applied-configuration",
    ]
    /// Addresses of one subset that are mirrored, and endpoints in one slice.
    private static let most = 1000

    let endpoints: Endpoints?
    let service: Service?
    /// The slices that the mirror made for the name.
    let slices: [EndpointSlice]

    /// Whether the object is somebody's own: its service selects nothing, and it is not the lock of an election.
    var isMirrored: Bool {
        guard let endpoints, let service, endpoints.metadata.deletionTimestamp == nil else { return false }
        return endpoints.metadata.labels[Self.skipLabel] != "true"
            && endpoints.metadata.annotations[Self.leaderAnnotation] == nil
            && (service.value.at("spec", "selector")?.fields ?? Fields()).isEmpty
    }

    var actions: [SlicePacking.Action] {
        guard isMirrored, let endpoints else { return slices.map(SlicePacking.Action.delete) }
        var labels = endpoints.metadata.labels
        labels[EndpointSliceDecision.serviceLabel] = endpoints.metadata.name
        labels[EndpointSliceDecision.managerLabel] = Self.manager
        var annotations = endpoints.metadata.annotations
        let trigger = annotations[SlicePacking.triggerAnnotation].flatMap { Timestamp($0) }
        for key in Self.notCopied { annotations[key] = nil }
        let packing = SlicePacking(
            owner: endpoints.controllerReference, namespace: endpoints.metadata.namespace, labels: labels,
            annotations: annotations, most: Self.most, trigger: trigger)
        return packing.actions(for: wanted(endpoints), over: slices)
    }

    /// What cannot be mirrored, in words.
    var notes: [ControllerNote] {
        guard isMirrored, let subsets = endpoints?.subsets else { return [] }
        let isTooLarge = subsets.contains { $0.addresses.count + $0.notReadyAddresses.count > Self.most }
        guard isTooLarge else { return [] }
        let message = "Endpoints have more than \(Self.most) addresses in a subset; the rest is not mirrored"
        return [ControllerNote(kind: .warning, reason: "TooManyEndpoints", message: message)]
    }

    private func wanted(_ object: Endpoints) -> [SlicePacking.Key: [Endpoint]] {
        var wanted: [SlicePacking.Key: [Endpoint]] = [:]
        for subset in object.subsets {
            let ports = subset.ports.map { EndpointPort($0.value) }
            let all = subset.addresses.map { ($0, true) } + subset.notReadyAddresses.map { ($0, false) }
            for (address, isReady) in all.prefix(Self.most) {
                guard let parsed = Support.IPAddress(address.ip) else { continue }
                let key = SlicePacking.Key(addressType: parsed.family == .v6 ? "IPv6" : "IPv4", ports: ports)
                wanted[key, default: []].append(Self.endpoint(address, isReady: isReady))
            }
        }
        return wanted
    }

    private static func endpoint(_ address: EndpointAddress, isReady: Bool) -> Endpoint {
        var endpoint = Endpoint()
        endpoint.addresses = [address.ip]
        endpoint.conditions.ready = isReady
        endpoint.hostname = address.hostname.isEmpty ? nil : address.hostname
        endpoint.nodeName = address.nodeName
        endpoint.targetRef = address.targetRef
        return endpoint
    }
}
