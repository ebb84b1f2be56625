import Support
import Testing

@testable import Kubelet

@Suite struct NodeRouteTests {
    private typealias Container = NodeRoute.ContainerPath
    private typealias Pod = NodeRoute.PodPath

    @Test func `paths are those of Kubernetes`() {
        let pod = Pod(namespace: "ns", name: "web")
        let exact = Pod(namespace: "ns", name: "web", uid: "u")
        let routes: [(String, NodeRoute?)] = [
            ("/healthz", .health), ("/pods", .pods), ("/metrics", .metrics), ("/stats/summary", .summary),
            ("/containerLogs/ns/web/c", .log(Container(pod: pod, container: "c"))),
            ("/exec/ns/web/c", .exec(Container(pod: pod, container: "c"))),
            ("/exec/ns/web/u/c", .exec(Container(pod: exact, container: "c"))),
            ("/attach/ns/web/c", .attach(Container(pod: pod, container: "c"))),
            ("/portForward/ns/web", .portForward(pod)), ("/portForward/ns/web/u", .portForward(exact)),
            ("/logs/", .systemLogs), ("/logs", .systemLogs), ("/logs/a/b", .systemLogs), ("/configz", .configuration),
            ("/flagz", .flags), ("/statusz", .status), ("/debug/pprof/", .unbuilt),
            ("/metrics/probes", .probeMetrics), ("/metrics/resource", .resourceMetrics),
            ("/metrics/cadvisor", .containerMetrics), ("/runningpods/", .runningPods), ("/runningpods", .runningPods),
            ("/run/ns/web/c", .run(Container(pod: pod, container: "c"))),
            ("/run/ns/web/u/c", .run(Container(pod: exact, container: "c"))),
            ("/checkpoint/ns/web/c", .checkpoint(Container(pod: pod, container: "c"))),
            ("/checkpoint/ns/web/u/c", nil), ("/stats/container", nil), ("/spec/", nil),
            ("/", nil), ("/nonsense", nil), ("/exec/ns/web", nil), ("/containerLogs/ns/web", nil), ("/portForward/ns", nil),
        ]
        for (path, route) in routes { #expect(NodeRoute(path: path) == route, "\(path)") }
    }

    @Test(arguments: [
        ("GET", "/stats/summary", "get", ["stats"]), ("GET", "/metrics/resource", "get", ["metrics"]),
        ("GET", "/logs/x", "get", ["log"]), ("GET", "/logs/../pods", "get", ["log"]),
        ("GET", "/statusz", "get", ["statusz", "proxy"]), ("GET", "/flagz", "get", ["configz", "proxy"]),
        ("POST", "/checkpoint/ns/web/c", "create", ["checkpoint"]), ("GET", "/runningpods/", "get", ["pods", "proxy"]),
        ("GET", "/healthz", "get", ["healthz", "proxy"]),
        ("GET", "/pods", "get", ["pods", "proxy"]), ("POST", "/exec/ns/web/c", "create", ["proxy"]),
        ("GET", "/exec/ns/web/c", "get", ["proxy"]), ("GET", "/containerLogs/ns/web/c", "get", ["proxy"]),
    ])
    func `a path asks for rights to a subresource of nodes`(
        method: String, path: String, verb: String, subresources: [String]
    ) {
        let access = NodeAccess(method: method, path: path)
        #expect(access.verb == verb)
        #expect(access.subresources == subresources)
    }

    @Test func `answers are forgotten when their time is over or room is needed`() {
        func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }
        var cache = ExpiringCache<String, Int>(limit: 2)
        cache.set("a", 1, until: time(10), at: time(0))
        cache.set("b", 2, until: time(20), at: time(0))
        #expect(cache.value(of: "a", at: time(9)) == 1)
        #expect(cache.value(of: "a", at: time(10)) == nil)
        cache.set("c", 3, until: time(30), at: time(5))
        #expect(cache.count == 2)
        #expect(cache.value(of: "a", at: time(5)) == nil, "it would have ended soonest")
        cache.set("d", 4, until: time(60), at: time(50))
        #expect(cache.count == 1, "what had ended went")
    }
}
