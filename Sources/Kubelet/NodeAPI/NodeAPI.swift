import API
public import Client
import Host
public import Logging
public import PKI
public import Runtime
public import Support
public import Wire

/// What a node answers on its port 10250: the logs of its containers, commands in them, their ports, its pods and what
/// they use. The API server is its usual client.
public struct NodeAPI: HTTPHandler {
    let nodeName: String
    let pods: any PodDirectory
    let runtime: any RuntimeService
    let volumes: (any VolumeUsages)?
    let figures: (any NodeFigures)?
    /// What `/configz` tells, as JSON.
    let configuration: [UInt8]
    let pages: NodePages
    let layout: KubeletLayout
    let handlers: NodeHandlers
    let log: Logger
    let now: @Sendable () -> Timestamp
    /// Speaks to the runtime's streaming server.
    let streaming = HTTPClient()
    private let gate: NodeGate

    /// `client` is asked whose tokens these are and who may do what (TokenReview, SubjectAccessReview);
    /// `clientAuthorities` are those that sign the client certificates of the cluster, `configuration` is what holds for
    /// the node (``KubeletOptions/configurationJSON``), as are `flags` and `version`; `handlers` is what it answers.
    public init(
        nodeName: String, pods: any PodDirectory, volumes: (any VolumeUsages)? = nil, figures: (any NodeFigures)? = nil,
        runtime: any RuntimeService, client: any Client, configuration: [UInt8] = Array("{}".utf8),
        flags: [String: String] = [:], version: String, layout: KubeletLayout,
        handlers: NodeHandlers = NodeHandlers(),
        clientAuthorities: [Certificate], log: Logger, now: @escaping @Sendable () -> Timestamp = { .now }
    ) throws(Fault) {
        self.nodeName = nodeName
        self.pods = pods
        self.runtime = runtime
        self.volumes = volumes
        self.figures = figures
        self.configuration = configuration
        pages = NodePages(version: version, flags: flags, start: now(), startSinceBoot: .sinceBoot)
        self.layout = layout
        self.handlers = handlers
        self.log = log
        self.now = now
        let verifier = try CertificateVerifier(authorities: clientAuthorities, usage: .clientAuth)
        gate = NodeGate(nodeName: nodeName, client: client, certificates: verifier, log: log, now: now)
    }

    public func handle(_ request: HTTPRequest, _ exchange: HTTPExchange) {
        exchange.run {
            do {
                try await gate.admit(request)
                try await serve(request, exchange)
            } catch let failure as NodeFailure {
                exchange.respond(failure)
            } catch let fault as Fault {
                exchange.respond(NodeFailure(fault))
                // What was begun is broken off; of what was not, the answer above is the end.
                throw fault
            }
        }
    }

    private func serve(_ request: HTTPRequest, _ exchange: HTTPExchange) async throws {
        guard let route = NodeRoute(path: request.path) else {
            throw NodeFailure(.notFound, "404 page not found")
        }
        guard handlers.hasDebugging || !route.isForDebugging else { throw Self.withoutDebugging(route) }
        let isReading = request.method == .get || request.method == .head
        switch route {
        case .run(let path) where request.method == .post: return try await run(path, request, exchange)
        case .checkpoint(let path) where request.method == .post: return try await checkpoint(path, request, exchange)
        case .run, .checkpoint: throw NodeFailure(.methodNotAllowed, "405: Method Not Allowed")
        // Kubernetes takes both methods here.
        case .summary where request.method == .post: return try await sendSummary(request, exchange)
        case .exec(let path): return try await exec(path, request, exchange)
        case .attach(let path): return try await attach(path, request, exchange)
        case .portForward(let path): return try await portForward(path, request, exchange)
        case _ where !isReading: throw NodeFailure(.methodNotAllowed, "405: Method Not Allowed")
        case .log(let path): return try await sendLog(path, request, exchange)
        case .health: exchange.respond(.ok, ["Content-Type": "text/plain; charset=utf-8"], Array("ok".utf8))
        case .pods: sendPods(exchange)
        case .runningPods: try await sendRunningPods(exchange)
        case .systemLogs: try await sendSystemLogs(request, exchange)
        case .configuration: exchange.respond(.ok, ["Content-Type": "application/json"], configuration)
        case .status: try send(pages.status(at: .sinceBoot), request, exchange)
        case .flags: try send(pages.flagList, request, exchange)
        case .metrics: await sendMetrics(exchange)
        case .probeMetrics: send(figures?.probes ?? [], exchange)
        case .resourceMetrics: send(UsageMetrics(try await summary()).resources, exchange)
        case .containerMetrics:
            let memory = try Machine.memory().total
            let metrics = UsageMetrics(try await summary())
            send(metrics.cadvisor(processors: Machine.processorCount, memory: memory), exchange)
        case .summary: try await sendSummary(request, exchange)
        case .unbuilt:
            throw NodeFailure(.notImplemented, "\(request.path) is not part of this version of the kubelet")
        }
    }

    /// As Kubernetes has it without `enableDebuggingHandlers`: some paths say so, the others are not there.
    private static func withoutDebugging(_ route: NodeRoute) -> NodeFailure {
        switch route {
        case .configuration, .checkpoint, .status, .flags: NodeFailure(.notFound, "404 page not found")
        default: NodeFailure(.methodNotAllowed, "Debug endpoints are disabled.\n")
        }
    }

    /// The pod of that name, which must have that uid if one is given.
    func pod(_ path: NodeRoute.PodPath) -> Pod? {
        guard let pod = pods.pod(namespace: path.namespace, name: path.name),
            path.uid == nil || path.uid == pod.metadata.uid
        else { return nil }
        return pod
    }
}
