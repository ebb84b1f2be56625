import API
import APIMachinery
import Client
import Support
import Testing

@testable import Kubelet

/// From a file to a pod, and from all files to the pods that run.
@Suite struct StaticPodTests {
    static let text = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec:
          containers:
          - {name: main, image: "web:1"}
        """

    private func read(_ text: String, file: String = "/pods/web.yaml", node: String = "n1") throws -> Pod {
        try StaticPod.read(Array(text.utf8), file: file, node: node)
    }

    @Test func `a file becomes a pod of its node, with the defaults of any pod`() throws {
        let pod = try read(Self.text)
        #expect(pod.objectName == ObjectName(namespace: "default", name: "web-n1"))
        #expect(pod.spec.nodeName == "n1" && pod.spec.restartPolicy == "Always")
        #expect(pod.spec.containers.first?.imagePullPolicy == "IfNotPresent")
        #expect(pod.metadata.annotations["kubernetes.io/config.source"] == "file")
        #expect(pod.metadata.annotations["kubernetes.io/config.hash"] == pod.metadata.uid)
        #expect(pod.spec.tolerations == [Toleration(["operator": "Exists", "effect": "NoExecute"])])
        #expect(pod.isStatic && pod.isCritical && !pod.isMirror)
    }

    @Test func `the uid tells what the file says, where it is and whose it is`() throws {
        let uid = try read(Self.text).metadata.uid
        #expect(uid.count == 32 && uid.allSatisfy(\.isHexDigit))
        #expect(try read(Self.text + "\n# a comment").metadata.uid == uid)
        let other = Self.text.replacing("web:1", with: "web:2")
        #expect(try read(other).metadata.uid != uid)
        #expect(try read(Self.text, file: "/pods/other.yaml").metadata.uid != uid)
        #expect(try read(Self.text, node: "n2").metadata.uid != uid)
        #expect(try read(Self.text.replacing("name: web}", with: "name: web, uid: a-1}")).metadata.uid == "a-1")
    }

    @Test(arguments: [
        ("", "couldn't parse as pod"), ("a: [", "yaml"), ("{\"kind\": \"Pod\"}", "couldn't parse as pod"),
        (text.replacing("name: web}", with: "namespace: a}"), "name is needed"),
        (text.replacing("name: web}", with: "name: web, uid: ../../etc}"), "metadata.uid"),
        (text.replacing("name: web}", with: "name: We_b}"), "invalid pod: [metadata.name"),
        (text.replacing("image: \"web:1\"", with: "imagePullPolicy: Sometimes"), "invalid pod"),
        (text + "\n---\n" + text, "one object"), (text + "\n  serviceAccountName: a", "a service account"),
        (text + "\n  volumes: [{name: a, configMap: {name: b}}]", "configmaps"),
        (text + "\n  imagePullSecrets: [{name: b}]", "secrets"),
        (text + "\n  volumes: [{name: a, persistentVolumeClaim: {claimName: b}}]", "persistentvolumeclaims"),
    ])
    func `a file that is no pod is refused in words`(_ text: String, _ words: String) {
        let refusal = #expect(throws: StaticPod.Refusal.self) { try read(text) }
        #expect(refusal?.why.contains(words) == true, "\(refusal?.why ?? "")")
    }

    // MARK: All files

    private func content(_ name: String, _ image: String = "web:1", file: String) throws -> StaticPodSet.Content {
        let text = Self.text.replacing("name: web}", with: "name: \(name)}").replacing("web:1", with: image)
        return .pod(try read(text, file: file))
    }

    private func uids(_ changes: StaticPodSet.Changes) -> [String] { changes.begun.map(\.metadata.uid) }

    @Test func `a changed file ends the pod that it was and begins another`() throws {
        var set = StaticPodSet()
        let first = set.put("a", try content("web", file: "a"))
        #expect(first.begun.count == 1 && first.ended.isEmpty)
        #expect(set.put("a", try content("web", file: "a")) == StaticPodSet.Changes())
        let second = set.put("a", try content("web", "web:2", file: "a"))
        #expect(second.ended == uids(first) && second.begun.count == 1)
        let last = set.put("a", nil)
        #expect(last.ended == uids(second) && last.begun.isEmpty && set.files.isEmpty)
    }

    @Test func `a file that is spoilt ends its pod and is told of once`() throws {
        var set = StaticPodSet()
        let first = set.put("a", try content("web", file: "a"))
        let spoilt = set.put("a", .refused(StaticPod.Refusal(why: "no")))
        #expect(spoilt.ended == uids(first) && spoilt.refused == [StaticPodSet.Complaint(file: "a", why: "no")])
        #expect(set.put("a", .refused(StaticPod.Refusal(why: "no"))) == StaticPodSet.Changes())
    }

    @Test func `of two files with one name the first counts, and the second when that is gone`() throws {
        var set = StaticPodSet()
        let second = set.put("b", try content("web", file: "b"))
        #expect(second.begun.count == 1)
        let first = set.put("a", try content("web", file: "a"))
        #expect(first.ended == uids(second) && first.begun.count == 1)
        #expect(first.refused.map(\.file) == ["b"])
        #expect(set.put("c", try content("other", file: "c")).refused.isEmpty)
        let gone = set.put("a", nil)
        #expect(gone.ended == uids(first) && uids(gone) == uids(second))
    }
}

@Suite struct MirrorDecisionTests {
    private let pod: Pod

    init() throws { pod = try StaticPod.read(Array(StaticPodTests.text.utf8), file: "/a", node: "n1") }

    @Test func `the same pod once more begins when nothing is left of the first`() throws {
        let (table, uid) = (PodTable(), pod.metadata.uid)
        let object = StoredObject(received: pod.value)
        table.run(object)
        #expect(table.standing(of: pod.objectName) == .running(pod))
        table.end(uid)
        table.run(object)
        #expect(table.standing(of: pod.objectName) == .leaving && table[uid]?.present.isGone == true)
        #expect(table.remove(uid).contains(uid))
        #expect(table.standing(of: pod.objectName) == .running(pod) && table[uid]?.present.isGone == false)
        #expect(table.remove(uid).isEmpty && table.standing(of: pod.objectName) == .none)
    }

    @Test func `a pod waits for another one of its name that leaves`() throws {
        let (table, name) = (PodTable(), pod.objectName)
        table.run(StoredObject(received: pod.value))
        #expect(!table.isHeld(name, besides: pod.metadata.uid))
        // As the runtime knows it.
        table.adopt("old", name: name)
        #expect(table.isHeld(name, besides: pod.metadata.uid))
        #expect(table.remove("old") == [pod.metadata.uid] && !table.isHeld(name, besides: pod.metadata.uid))
    }

    private func mirror(_ change: (inout Pod) -> Void = { _ in }) -> MirrorTable.Mirror {
        var mirror = MirrorDecision.mirror(of: pod, on: Node(name: "n1"))
        mirror.metadata.uid = "m1"
        change(&mirror)
        return MirrorTable.Mirror(object: StoredObject(received: mirror.value))
    }

    @Test func `a pod has the mirror that it needs`() {
        #expect(MirrorDecision(.running(pod), mirror: nil) == .create(pod))
        #expect(MirrorDecision(.running(pod), mirror: mirror()) == .leave)
        #expect(MirrorDecision(.leaving, mirror: mirror()) == .leave)
        #expect(MirrorDecision(.leaving, mirror: nil) == .leave)
        #expect(MirrorDecision(.none, mirror: nil) == .leave)
        #expect(MirrorDecision(.none, mirror: mirror()) == .delete(uid: "m1"))
    }

    @Test func `a mirror that is deleted, or of an earlier pod, is replaced`() {
        let deleted = mirror { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }
        #expect(MirrorDecision(.running(pod), mirror: deleted) == .delete(uid: "m1"))
        let other = mirror { $0.metadata.annotations[StaticPod.mirror] = "other" }
        #expect(MirrorDecision(.running(pod), mirror: other) == .delete(uid: "m1"))
        var outdated = mirror()
        outdated.isOutdated = true
        #expect(MirrorDecision(.running(pod), mirror: outdated) == .delete(uid: "m1"))
    }

    @Test func `a mirror belongs to its node and has no uid of its own making`() {
        var node = Node(name: "n1")
        node.metadata.uid = "node-uid"
        let made = MirrorDecision.mirror(of: pod, on: node)
        #expect(made.metadata.uid.isEmpty && made.isMirror && !made.isStatic)
        let owner = made.metadata.ownerReferences.first
        #expect(owner?.uid == "node-uid" && owner?.controller == true && owner?.kind == "Node")
    }
}
