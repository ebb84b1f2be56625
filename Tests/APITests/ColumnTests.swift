import APIMachinery
import Support
import Testing

@testable import API

@Suite struct ColumnTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    /// The cells that are shown without `-o wide`, as one line.
    private func row(_ resource: GroupVersionResource, _ object: Value, isWide: Bool = false) throws -> String
    {
        let definition = try #require(BuiltinResources.shared.definition(of: resource))
        let renderer = TableRenderer(definition)
        let cells = renderer.cells(of: object, now: Self.now)
        let shown = zip(renderer.columnDefinitions, cells).filter { isWide || $0.0["priority"] == 0 }
        return shown.map { $0.1.string ?? $0.1.description }.joined(separator: " | ")
    }

    private static func ago(_ seconds: Int64) -> Value {
        .string(Timestamp(seconds: now.seconds - seconds).description)
    }

    private static func pod(_ status: Value, init initContainers: Value = [], deleted: Bool = false) -> Value
    {
        var pod: Value = [
            "metadata": ["name": "web", "creationTimestamp": ago(300)],
            "spec": ["containers": [["name": "a"], ["name": "b"]], "initContainers": initContainers],
            "status": status,
        ]
        if deleted { pod[path: ["metadata", "deletionTimestamp"]] = ago(1) }
        return pod
    }

    private static let running: Value = ["name": "a", "ready": true, "state": ["running": .emptyObject]]

    @Test(
        arguments: [
            (pod(["phase": "Pending"]), "web | 0/2 | Pending | 0 | 5m"),
            (
                pod(["phase": "Running", "containerStatuses": [running, running]]),
                "web | 2/2 | Running | 0 | 5m"
            ),
            (
                pod([
                    "phase": "Running",
                    "containerStatuses": [
                        running,
                        [
                            "name": "b", "restartCount": 3,
                            "state": ["waiting": ["reason": "CrashLoopBackOff"]],
                            "lastState": ["terminated": ["finishedAt": ago(30)]],
                        ],
                    ],
                ]), "web | 1/2 | CrashLoopBackOff | 3 (30s ago) | 5m"
            ),
            (
                pod(
                    [
                        "phase": "Pending",
                        "initContainerStatuses": [["name": "i", "state": ["running": .emptyObject]]],
                    ],
                    init: [["name": "i"], ["name": "j"]]), "web | 0/2 | Init:0/2 | 0 | 5m"
            ),
            (
                pod(
                    [
                        "phase": "Pending",
                        "initContainerStatuses": [["name": "i", "state": ["terminated": ["exitCode": 2]]]],
                    ],
                    init: [["name": "i"]]), "web | 0/2 | Init:ExitCode:2 | 0 | 5m"
            ),
            (
                pod(
                    [
                        "phase": "Running", "containerStatuses": [running, running],
                        "initContainerStatuses": [
                            [
                                "name": "s", "started": true, "ready": true, "restartCount": 1,
                                "state": ["running": .emptyObject],
                            ]
                        ],
                    ], init: [["name": "s", "restartPolicy": "Always"]]), "web | 3/3 | Running | 1 | 5m"
            ),
            (
                pod([
                    "phase": "Succeeded",
                    "containerStatuses": [
                        ["name": "a", "state": ["terminated": ["reason": "Completed", "exitCode": 0]]]
                    ],
                ]), "web | 0/2 | Completed | 0 | 5m"
            ),
            (
                pod(["phase": "Running", "containerStatuses": [running]], deleted: true),
                "web | 1/2 | Terminating | 0 | 5m"
            ),
            (pod(["phase": "Failed", "reason": "Evicted"]), "web | 0/2 | Evicted | 0 | 5m"),
        ] as [(Value, String)])
    func `a pod's row says what its containers do`(pod: Value, row expected: String) throws {
        #expect(try row(.pods, pod) == expected)
    }

    @Test func `a pod that is done is marked`() throws {
        let renderer = TableRenderer(try #require(BuiltinResources.shared.definition(of: .pods)))
        #expect(renderer.conditions(of: ["status": ["phase": "Succeeded"]]).first?["reason"] == "Succeeded")
        #expect(renderer.conditions(of: ["status": ["phase": "Running"]]).isEmpty)
    }

    @Test(
        arguments: [
            (
                .nodes,
                [
                    "metadata": [
                        "name": "n1", "creationTimestamp": ago(86_400 * 3),
                        "labels": [
                            "node-role.kubernetes.io/control-plane": "true",
                            "node-role.kubernetes.io/master": "true",
                        ],
                    ],
                    "spec": ["unschedulable": true],
                    "status": [
                        "conditions": [["type": "Ready", "status": "True"]],
                        "nodeInfo": ["kubeletVersion": "v1.36.3+k3s1"],
                    ],
                ], "n1 | Ready,SchedulingDisabled | control-plane,master | 3d | v1.36.3+k3s1"
            ),
            (
                .services,
                [
                    "metadata": ["name": "web", "creationTimestamp": ago(5)],
                    "spec": [
                        "type": "NodePort", "clusterIPs": ["10.43.0.7"],
                        "ports": [
                            ["port": 80, "nodePort": 30_080, "protocol": "TCP"],
                            ["port": 53, "protocol": "UDP"],
                        ],
                    ],
                ], "web | NodePort | 10.43.0.7 | <none> | 80:30080/TCP,53/UDP | 5s"
            ),
            (
                .deployments,
                [
                    "metadata": ["name": "web", "creationTimestamp": ago(200)], "spec": ["replicas": 3],
                    "status": ["readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 2],
                ], "web | 2/3 | 3 | 2 | 3m20s"
            ),
            (
                .deployments,
                ["metadata": ["name": "new", "creationTimestamp": ago(5)], "spec": ["replicas": 3]],
                "new | 0/3 | 0 | 0 | 5s"
            ),
            (
                .persistentVolumeClaims,
                [
                    "metadata": ["name": "data", "creationTimestamp": ago(5)],
                    "spec": ["volumeName": "pv", "storageClassName": "local-path"],
                    "status": [
                        "phase": "Bound", "capacity": ["storage": "2Gi"], "accessModes": ["ReadWriteOnce"],
                    ],
                ], "data | Bound | pv | 2Gi | RWO | local-path | <unset> | 5s"
            ),
            (
                .jobs,
                [
                    "metadata": ["name": "j", "creationTimestamp": ago(90)], "spec": ["completions": 3],
                    "status": [
                        "succeeded": 3, "startTime": ago(90), "completionTime": ago(30),
                        "conditions": [["type": "Complete", "status": "True"]],
                    ],
                ], "j | Complete | 3/3 | 60s | 90s"
            ),
            (
                .storageClasses,
                [
                    "metadata": [
                        "name": "local-path", "creationTimestamp": ago(5),
                        "annotations": ["storageclass.kubernetes.io/is-default-class": "true"],
                    ],
                    "provisioner": "rancher.io/local-path", "reclaimPolicy": "Delete",
                    "volumeBindingMode": "WaitForFirstConsumer",
                ], "local-path (default) | rancher.io/local-path | Delete | WaitForFirstConsumer | false | 5s"
            ),
            (
                .events,
                [
                    "lastTimestamp": ago(65), "type": "Warning", "reason": "Failed", "message": " no image\n",
                    "involvedObject": ["kind": "Pod", "name": "web"],
                ], "65s | Warning | Failed | pod/web | no image"
            ),
            (
                .configMaps, ["metadata": ["name": "c"], "data": ["a": "1"], "binaryData": ["b": "AA=="]],
                "c | 2 | <unknown>"
            ),
            (
                .roles, ["metadata": ["name": "r", "creationTimestamp": "2026-11-21T00:00:00Z"]],
                "r | 2026-11-21T00:00:00Z"
            ),
            (
                .ingresses,
                [
                    "metadata": ["name": "i", "creationTimestamp": ago(5)],
                    "spec": ["rules": [["host": "a"], ["host": "b"], ["host": "c"], ["host": "d"]]],
                    "status": ["loadBalancer": ["ingress": [["ip": "10.0.0.1"]]]],
                ], "i | <none> | a,b,c + 1 more... | 10.0.0.1 | 80 | 5s"
            ),
            (
                .daemonSets,
                [
                    "metadata": ["name": "d", "creationTimestamp": ago(5)],
                    "status": ["desiredNumberScheduled": 1],
                ],
                "d | 1 | 0 | 0 | 0 | 0 | <none> | 5s"
            ),
        ] as [(GroupVersionResource, Value, String)])
    func `rows of other kinds`(resource: GroupVersionResource, object: Value, expected: String) throws {
        #expect(try row(resource, object) == expected)
    }

    @Test func `every resource renders an empty object with a cell per column`() {
        for definition in BuiltinResources.shared.resources
        where definition.resource.group != "metrics.k8s.io" {
            let renderer = TableRenderer(definition)
            let cells = renderer.cells(of: .emptyObject, now: Self.now)
            let extra = definition.resource.resource == "ipaddresses" ? 1 : 0
            #expect(cells.count == renderer.columnDefinitions.count + extra, "\(definition.resource)")
            for column in definition.columns where column.rule["computed"]?.bool == true {
                #expect(
                    ComputedColumns.of(definition.resource)[column.name] != nil,
                    "\(definition.resource) \(column.name)")
            }
        }
    }

    @Test(arguments: [
        (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (599, "9m59s"), (600, "10m"),
        (10_799, "179m"), (10_800, "3h"), (12_000, "3h20m"), (28_800, "8h"), (172_799, "47h"),
        (172_800, "2d"),
        (180_000, "2d2h"), (691_200, "8d"), (63_072_000, "2y"), (70_000_000, "2y80d"), (300_000_000, "9y"),
    ])
    func `ages lose digits as they grow`(seconds: Int, text: String) {
        #expect(Age.text(.seconds(seconds)) == text)
    }

    @Test(arguments: [
        (".a.b", ["1"]), (".l[0].n", ["x"]), (".l[*].n", ["x", "y"]), (".l[?(@.k=='2')].n", ["y"]),
        (".m['x.y/z']", ["q"]), (".none", []), (".l[9]", []), (".l[?(@.t==true)].n", ["x"]),
        (".l[-1].n", ["y"]), (".l[-1:].n", ["y"]), (".l[:1].n", ["x"]), (".l[0:2].n", ["x", "y"]), (".l[-2].n", ["x"]),
        (".l[::2].n", ["x"]), (".l[-3].n", []), (".l[1:9].n", []), (".l[1:1].n", []), (".l[:].n", ["x", "y"]),
        (".e[-1:].n", []), (".l[0,1].n", ["x", "y"]), (".l[ -1, 0 ].n", ["y", "x"]),
        (".l[?(@.k == \"2\")].n", ["y"]), (".l[?( @.k=='2' )].n", ["y"]), (".l[?(@.k!=\"2\")].n", ["x"]),
        (".l[?(@.i > 1)].n", ["y"]), (".l[?(@.i<=1)].n", ["x"]), (".l[?(@.t)].n", ["x"]), (".l[?(@.none)].n", []),
        (".l[?(@.o.p=='deep')].n", ["y"]), (".l[?(@['k']=='1')].n", ["x"]), (".l[?(@.k==@.k2)].n", ["y"]),
        // What cannot be compared or is no list is nothing, and no error.
        (".l[?(@.i=='1')].n", []), (".l[?(@.k==one)].n", []), (".a[?(@.k=='1')]", []), (".a[0]", []), (".a.b.c", []),
        (".m.*", ["q"]), ("..n", ["x", "y"]), ("..o..p", ["deep"]), ("$.a.b", ["1"]), (".m.x\\.y/z", ["q"]),
    ])
    func `paths find their values`(path: String, texts: [String]) throws {
        let object: Value = [
            "a": ["b": "1"],
            "l": [
                ["n": "x", "k": "1", "t": true, "i": 1],
                ["n": "y", "k": "2", "k2": "2", "i": 2, "o": ["p": "deep"]],
            ],
            "m": ["x.y/z": "q"], "e": [],
        ]
        #expect(try #require(ColumnPath(path)).values(in: object).compactMap(\.string) == texts)
    }

    @Test(arguments: ["[", ".a[", ".a[x]", ".a[1.5]", ".a[?(@.b)", ".a[?(@.b=='c)]", ".a....b", "{.a}", ".a[1:2:3:4]"])
    func `what is no path is refused`(path: String) {
        #expect(ColumnPath(path) == nil)
    }
}
