import APIMachinery
import Testing

@testable import Controllers

@Suite struct OwnershipGraphTests {
    private func node(_ name: String, owners: [String] = [], isDeleting: Bool = false) -> OwnershipGraph.Node {
        OwnershipGraph.Node(resource: 0, name: ObjectName(name: name), owners: owners, isDeleting: isDeleting)
    }

    @Test func `an owner that begins to wait makes work for what it owns`() {
        var graph = OwnershipGraph()
        #expect(graph.put("a", node("a")) == [])
        #expect(graph.put("b", node("b", owners: ["a"])) == [])
        #expect(graph.put("a", node("a", isDeleting: true)) == ["a", "b"])
    }

    @Test func `an owner that waits is looked at when its last dependent is gone`() {
        var graph = OwnershipGraph()
        _ = graph.put("a", node("a", isDeleting: true))
        _ = graph.put("b", node("b", owners: ["a"]))
        #expect(graph.remove("b") == ["a"])
    }

    @Test func `an owner that is gone, or was never there, makes work for what it owns`() {
        var graph = OwnershipGraph()
        #expect(graph.put("b", node("b", owners: ["a"])) == ["b"])
        _ = graph.put("a", node("a"))
        #expect(graph.remove("a") == ["b"])
    }

    @Test func `an owner in another namespace is none`() {
        func node(_ namespace: String, owners: [String] = []) -> OwnershipGraph.Node {
            OwnershipGraph.Node(
                resource: 0, name: ObjectName(namespace: namespace, name: "x"), owners: owners, isDeleting: false)
        }
        var graph = OwnershipGraph()
        _ = graph.put("here", node("a"))
        _ = graph.put("there", node("b"))
        _ = graph.put("cluster", node(""))
        #expect(graph.put("x", node("a", owners: ["here", "cluster"])) == [])
        #expect(graph.put("y", node("a", owners: ["there"])) == ["y"])
        #expect(graph.put("z", node("", owners: ["here"])) == ["z"])
    }
}
