import API
import APIMachinery
import Client
import Support
import Wire

/// Carries conversations with nodes, pods and services: logs, exec, attach, port-forward, proxies.
///
/// What can be judged by the cache alone is judged on the event loop; then the conversation is a task of its exchange.
struct Connections: ConnectionProxy {
    let pods: any ObjectSet
    let nodes: any ObjectSet
    let services: any ObjectSet
    let endpointSlices: any ObjectSet
    /// `nil` when the server was not told how to reach kubelets.
    let kubelets: KubeletClient?
    /// Reaches pods and services; their certificates prove nothing to us, as in Kubernetes.
    let backends: HTTPClient
    /// Plug-ins that are asked about connections.
    var admission = AdmissionChain()
    /// Which addresses of pods may be reached: none that would lead to this host itself.
    var isProxyable: @Sendable (Support.IPAddress) -> Bool = { $0.isGlobalUnicast }

    func connect(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        let target = call.target
        switch (target.resource, target.subresource) {
        case (.pods, "log"): try log(call, exchange)
        case (.pods, "exec"): try command("exec", call, exchange)
        case (.pods, "attach"): try command("attach", call, exchange)
        case (.pods, "portforward"): try portForward(call, exchange)
        case (.pods, "proxy"): try proxyToPod(call, exchange)
        case (.services, "proxy"): try proxyToService(call, exchange)
        case (.nodes, "proxy"): try proxyToNode(call, exchange)
        default: throw .noSuchPath
        }
    }

    /// Runs the rest of an exchange, if admission lets it; a `Status` that it throws before it has answered is the answer.
    func run(
        _ call: FrontCall, _ exchange: HTTPExchange, _ operation: @escaping @Sendable () async throws -> Void
    ) {
        exchange.run {
            do {
                try await admit(call)
                try await operation()
            } catch let status as Status {
                exchange.respond(status, to: call.request)
                // What was begun already is broken off.
                throw status
            }
        }
    }

    // MARK: Who is talked to

    func pod(_ target: Target) throws(Status) -> Pod {
        guard let pod = pods.get(Pod.self, target.objectName) else { throw .notFound(.pods, target.name) }
        return pod
    }

    /// The kubelet of a node; a pod's when `name` is its `spec.nodeName`.
    func kubelet(of name: String) throws(Status) -> (client: KubeletClient, address: KubeletAddress) {
        guard let kubelets else {
            throw Status(
                code: 501, reason: .methodNotAllowed,
                message: "this server was started without the credentials that kubelets ask for")
        }
        guard let node = nodes.get(Node.self, ObjectName(name: name)) else { throw .notFound(.nodes, name) }
        return (kubelets, try KubeletAddress(node, preferring: kubelets.preferredAddressTypes))
    }

    /// The kubelet of a pod that runs somewhere, else 400.
    func kubelet(of pod: Pod) throws(Status) -> (client: KubeletClient, address: KubeletAddress) {
        guard !pod.spec.nodeName.isEmpty else {
            throw .badRequest("pod \(pod.metadata.name) does not have a host assigned")
        }
        return try kubelet(of: pod.spec.nodeName)
    }

    func checkMethod(_ call: FrontCall, _ allowed: [HTTPMethod]) throws(Status) {
        guard allowed.contains(call.request.method) else {
            throw .methodNotAllowed(call.info.verb, call.target.resource, subresource: call.target.subresource)
        }
    }
}
