import API
import APIMachinery

/// How the fields that selectors name are read from stored objects, where that is not just a look at the path.
enum SelectableField {
    /// Flags that count as `false` when they are absent.
    private static let flags: Set<String> = ["spec.hostNetwork", "spec.unschedulable"]

    /// Reads what `field(_:)` says as text. A field of a kind that is served in two versions is looked for under the
    /// name that it has in the stored one.
    static func reader(_ field: String, of resource: GroupVersionResource) -> @Sendable (StoredObject) -> String {
        if flags.contains(field) {
            return { object in
                let text = object.field(field)
                return text.isEmpty ? "false" : text
            }
        }
        switch (resource.resource, field) {
        case ("events", "source"):
            return { object in
                let component = object.field("source.component")
                return component.isEmpty ? object.field("reportingComponent") : component
            }
        case ("events", "reportingController"): return { $0.field("reportingComponent") }
        case ("events", let name) where name.hasPrefix("regarding."):
            let stored = "involvedObject." + name.dropFirst("regarding.".count)
            return { $0.field(stored) }
        case ("jobs", "status.successful"):
            return { object in
                let text = object.field("status.succeeded")
                return text.isEmpty ? "0" : text
            }
        default: return { $0.field(field) }
        }
    }
}
