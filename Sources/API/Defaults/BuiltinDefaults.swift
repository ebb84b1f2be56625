public import APIMachinery

/// What absent fields of the built-in kinds mean. The rules are those of Kubernetes 1.36 with its default
/// gates.
public enum BuiltinDefaults {
    public static let shared = Defaults(BuiltinTypes.kubernetes, rules: all)

    private static var all: [String: [DefaultRule]] {
        var all: [String: [DefaultRule]] = [:]
        func add(_ package: String, _ rules: [String: [DefaultRule]]) {
            for (type, list) in rules { all["io.k8s.\(package).\(type)"] = list }
        }
        add("api.core.v1", core)
        add("api.core.v1", pods)
        add("api.apps.v1", apps)
        add("api.batch.v1", batch)
        add("api.autoscaling.v1", ["HorizontalPodAutoscaler": [.set("spec.minReplicas", 1)]])
        add("api.autoscaling.v2", autoscaling)
        add("api.networking.v1", networking)
        add("api.rbac.v1", rbac)
        add("api.storage.v1", storage)
        add("api.scheduling.v1", ["PriorityClass": [.set("preemptionPolicy", "PreemptLowerPriority")]])
        add(
            "api.discovery.v1",
            ["EndpointPort": [.change { setIfAbsent("name", "", in: &$0) }, .set("protocol", "TCP")]])
        add("api.admissionregistration.v1", admission)
        add("apiextensions-apiserver.pkg.apis.apiextensions.v1", extensions)
        add("kube-aggregator.pkg.apis.apiregistration.v1", ["ServiceReference": [.set("port", 443)]])
        add("api.authentication.v1", ["TokenRequestSpec": [.set("expirationSeconds", 3600)]])
        add("api.flowcontrol.v1", flowControl)
        add("api.resource.v1", resource)
        return all
    }

    /// For fields whose default is itself empty, where "empty" and "absent" differ.
    static func setIfAbsent(_ key: String, _ value: Value, in object: inout Value) {
        if object[key] == nil { object[key] = value }
    }
}
