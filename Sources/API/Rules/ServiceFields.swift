public import APIMachinery

/// Which fields of a service go with its type.
public enum ServiceFields {
    /// Whether somebody outside of the cluster can reach a service with this spec.
    public static func isReachable(_ spec: Value?) -> Bool {
        let type = spec["type"].text
        return type == "LoadBalancer" || type == "NodePort" || type == "ClusterIP" && spec["externalIPs"].isFilled
    }

    /// Whether load balancers ask nodes for pods of the service, on a port of its own.
    public static func needsHealthCheck(_ spec: Value?) -> Bool {
        spec["type"].text == "LoadBalancer" && spec["externalTrafficPolicy"].text == "Local"
    }

    /// What is wrong with the addresses that a client asks for, before any was allocated.
    public static func addressErrors(_ spec: Value) -> [FieldError] {
        var checks = FieldChecks()
        checks.clusterAddresses(spec, isHeadless: FieldChecks.isHeadless(spec))
        return checks.errors
    }

    /// Takes out of the new version what went with the type that the old one had, unless the client changed it as
    /// well: then it means it, and hears that it is wrong.
    public static func dropTypeDependent(_ service: inout Value, over old: Value) {
        guard var spec = service["spec"] else { return }
        let before = old["spec"]
        func needsNodePort(_ spec: Value?) -> Bool { ["NodePort", "LoadBalancer"].contains(spec["type"].text) }
        func isBalanced(_ spec: Value?) -> Bool { spec["type"].text == "LoadBalancer" }
        func drop(_ key: String, _ needs: (Value?) -> Bool) {
            if needs(before), !needs(spec), spec[key] == before[key] { spec[key] = nil }
        }
        drop("healthCheckNodePort", needsHealthCheck)
        drop("externalTrafficPolicy", isReachable)
        drop("allocateLoadBalancerNodePorts", isBalanced)
        drop("loadBalancerClass", isBalanced)
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            drop(key) { $0["type"].text != "ExternalName" }
        }
        if needsNodePort(before), !needsNodePort(spec) {
            let held = Set(before["ports"].items.compactMap { $0["nodePort"]?.integer })
            spec["ports"] = spec["ports"].map { ports in
                .array(
                    (ports.array ?? []).map { port in
                        var port = port
                        if let number = port["nodePort"]?.integer, held.contains(number) { port["nodePort"] = nil }
                        return port
                    })
            }
        }
        service["spec"] = spec
    }
}
