import API
import APIMachinery

/// The fields of a pod that its containers can be told: `fieldRef` of variables and of downwardAPI volumes.
extension Pod {
    /// The value of a path below `metadata`; `nil` when there is no such path.
    ///
    /// A label or annotation that the pod has not is the empty text. A whole map is a line `key="value"` for
    /// each entry in order of the keys, the value quoted as Go does.
    func metadataField(_ path: String) -> String? {
        switch path {
        case "metadata.name": return metadata.name
        case "metadata.namespace": return metadata.namespace
        case "metadata.uid": return metadata.uid
        case "metadata.labels": return Self.lines(metadata.labels)
        case "metadata.annotations": return Self.lines(metadata.annotations)
        default: break
        }
        if let key = Self.key(of: path, in: "metadata.labels") { return metadata.labels[key] ?? "" }
        if let key = Self.key(of: path, in: "metadata.annotations") { return metadata.annotations[key] ?? "" }
        return nil
    }

    /// The value of any path that a variable may name; `nil` when there is no such path.
    func field(_ path: String, _ placement: PodPlacement) -> String? {
        switch path {
        case "spec.nodeName": placement.nodeName
        case "spec.serviceAccountName": spec.serviceAccountName
        case "status.hostIP": placement.hostIP
        case "status.hostIPs": placement.hostIPs.joined(separator: ",")
        case "status.podIP": placement.podIPs.first ?? ""
        case "status.podIPs": placement.podIPs.joined(separator: ",")
        default: metadataField(path)
        }
    }

    /// `app` of `metadata.labels['app']`.
    private static func key(of path: String, in map: String) -> String? {
        guard path.hasPrefix(map + "['"), path.hasSuffix("']"), path.count > map.count + 4 else { return nil }
        return String(path.dropFirst(map.count + 2).dropLast(2))
    }

    private static func lines(_ map: [String: String]) -> String {
        map.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { "\($0.key)=\(GoText.quoted($0.value))" }.joined(separator: "\n")
    }
}
