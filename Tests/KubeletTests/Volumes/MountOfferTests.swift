import API
import APIMachinery
import Runtime
import Support
import Testing

@testable import Kubelet

/// What a container mounts that depends on the runtime: images, and read-only mounts with all below them.
@Suite struct MountOfferTests {
    private static func mounts(
        _ mount: Value, image: Bool = false, _ change: (inout MountOffer) -> Void = { _ in }
    ) throws(Fault) -> CRI.Mount? {
        var volumes = MountedVolumes(podUID: "u")
        volumes.places["v"] = MountedVolumes.Place(
            path: image ? "" : "/volume", isReadOnly: image, isImage: image)
        var offer = MountOffer()
        change(&offer)
        return try ContainerMounts(
            layout: KubeletLayout(root: "/nowhere"), volumes: volumes,
            container: Container(["name": "a", "volumeMounts": .array([mount])]), environment: ["X": "part"],
            offer: offer
        ).make().first
    }

    @Test func `the runtime mounts an image by itself, read-only`() throws {
        let mount = try Self.mounts(["name": "v", "mountPath": "data", "subPathExpr": "a/$(X)"], image: true) {
            $0.images["v"] = CRI.ImageSpec("sha256:1")
        }
        #expect(mount?.image?.image == "sha256:1" && mount?.imageSubPath == "a/part")
        #expect(mount?.containerPath == "/data" && mount?.readonly == true && mount?.hostPath.isEmpty == true)
        #expect(throws: Fault.self) { try Self.mounts(["name": "v", "mountPath": "/data"], image: true) }
    }

    @Test func `an image that the node mounted is a volume as any other, read-only`() throws {
        let mount = try Self.mounts(["name": "v", "mountPath": "/data"], image: true) { $0.folders["v"] = "/pods/v" }
        #expect(mount?.hostPath == "/pods/v" && mount?.readonly == true && mount?.image == nil)
    }

    @Test func `what is wrong with a part of a volume names the mount`() {
        let fault = #expect(throws: Fault.self) {
            try Self.mounts(["name": "v", "mountPath": "/data", "subPath": "../up"])
        }
        let words = #"failed to prepare subPath for volumeMount "v" of container "a": "#
        #expect(fault?.summary.hasPrefix(words) == true)
    }

    @Test func `a volume gets the label of the container once`() throws {
        var volumes = MountedVolumes(podUID: "u")
        volumes.places["own"] = MountedVolumes.Place(path: "/own", isRelabelled: true)
        volumes.places["host"] = MountedVolumes.Place(path: "/etc")
        let mounts: Value = [
            ["name": "own", "mountPath": "/a"], ["name": "host", "mountPath": "/b"],
            ["name": "own", "mountPath": "/c"],
        ]
        let made = try ContainerMounts(
            layout: KubeletLayout(root: "/nowhere"), volumes: volumes,
            container: Container(["name": "a", "volumeMounts": mounts]), environment: [:]
        ).make()
        #expect(made.map(\.selinuxRelabel) == [true, false, false])
    }

    @Test(arguments: [
        ("Enabled", true, true, true), ("Enabled", true, false, nil), ("Enabled", false, true, nil),
        ("IfPossible", true, true, true), ("IfPossible", true, false, false), ("IfPossible", false, true, false),
        ("Disabled", true, true, false), ("Other", true, true, nil),
    ] as [(String, Bool, Bool, Bool?)])
    func `what is below a read-only mount is read-only where the runtime can do that`(
        mode: String, isReadOnly: Bool, isOffered: Bool, expected: Bool?
    ) {
        let mount: Value = [
            "name": "v", "mountPath": "/data", "readOnly": .bool(isReadOnly), "recursiveReadOnly": .string(mode),
        ]
        let made = try? Self.mounts(mount) { $0.hasRecursiveReadOnly = isOffered }
        #expect(made?.recursiveReadOnly == expected)
    }

    @Test func `one that had to be recursive and runs is`() {
        var pod = PodCase().sandbox().instance("a")
        pod.pod.spec.containers[0].volumeMounts = ["Enabled", "IfPossible", "IfPossible"].enumerated().map {
            VolumeMount([
                "name": "v", "mountPath": .string("/\($0.offset)"), "readOnly": true,
                "recursiveReadOnly": .string($0.element),
            ])
        }
        pod.containers[0].recursiveReadOnly = ["/1"]
        let told = pod.status.containerStatuses[0].value["volumeMounts"]?.array ?? []
        #expect(told.map { $0["recursiveReadOnly"]?.string } == ["Enabled", "Enabled", "Disabled"])
    }
}
