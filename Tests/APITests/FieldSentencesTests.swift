import APIMachinery
import Testing

@testable import API

@Suite struct FieldSentencesTests {
    /// The kinds that people write and read daily.
    private static let kinds: [GroupVersionResource] = [
        .pods, .services, .configMaps, .secrets, .namespaces, .nodes, .persistentVolumes, .persistentVolumeClaims,
        .serviceAccounts, .events, .deployments, .replicaSets, .statefulSets, .daemonSets, .jobs, .cronJobs,
        .storageClasses, .ingresses, .networkPolicies, .roles, .clusterRoles, .roleBindings, .clusterRoleBindings,
        .podDisruptionBudgets, .leases, .endpointSlices, .customResourceDefinitions,
        GroupVersionResource(group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers"),
    ]

    /// Volumes of storage that nobody sells any more are named, not explained.
    private static let unexplained = [
        "Azure", "AWS", "GCE", "Ceph", "Cinder", "Flex", "Flocker", "GitRepo", "Glusterfs", "Photon", "Portworx",
        "Quobyte", "RBD", "ScaleIO", "StorageOS", "Vsphere", "NodeConfig", "ConfigMapNodeConfig", "JSONSchemaProps",
        "ExternalDocumentation",
    ]

    private func types() throws -> [TypeSchema] {
        var (found, waiting): (Set<TypeSchema>, [TypeSchema]) = ([], [])
        for resource in Self.kinds {
            let definition = try #require(BuiltinResources.shared.definition(of: resource), "\(resource)")
            waiting.append(try #require(definition.type))
        }
        while let type = waiting.popLast() {
            guard found.insert(type).inserted else { continue }
            for field in type.fields { Self.collect(field.kind, into: &waiting) }
        }
        return found.sorted { $0.name < $1.name }
    }

    private static func collect(_ kind: FieldKind, into types: inout [TypeSchema]) {
        switch kind {
        case .object(let type), .union(let type): types.append(type)
        case .list(let element), .map(let element): collect(element.kind, into: &types)
        default: break
        }
    }

    @Test func `a sentence is there for every field of the kinds that people use daily`() throws {
        let sentences = FieldSentences()
        var missing: [String] = []
        for type in try types() {
            let name = type.name.split(separator: ".").last ?? ""
            guard !Self.unexplained.contains(where: { name.hasPrefix($0) }) else { continue }
            if sentences.sentence(on: type)?.isEmpty != false { missing.append(type.name) }
            for field in type.fields where sentences.sentence(on: field.name, of: type) == nil {
                missing.append(type.name + " " + field.name)
            }
        }
        #expect(missing == [])
    }

    @Test func `nothing is said of what there is not`() throws {
        var fields: [Substring: Set<String>] = [:]
        for resource in BuiltinResources.shared.resources {
            var (seen, waiting): (Set<TypeSchema>, [TypeSchema]) = ([], [])
            for name in [resource.type?.name, resource.type.map { $0.name + "List" }] {
                if let type = name.flatMap({ BuiltinTypes.kubernetes.type(named: $0) }) { waiting.append(type) }
            }
            waiting += resource.subresources.compactMap(\.type)
            while let type = waiting.popLast() {
                guard seen.insert(type).inserted else { continue }
                let parts = type.name.split(separator: ".")
                let names = Set(type.fields.map(\.name))
                fields[parts.last ?? "", default: []].formUnion(names)
                fields[parts.suffix(3).joined(separator: ".")[...], default: []].formUnion(names)
                for field in type.fields { Self.collect(field.kind, into: &waiting) }
            }
        }
        let unknown = FieldSentences().subjects.filter { subject in
            fields[subject.type[...]].map { !$0.contains(subject.field) } ?? false
        }
        #expect(unknown.map { $0.type + "." + $0.field }.sorted() == [])
    }

    @Test func `a sentence is for its own type, or for all`() throws {
        let sentences = FieldSentences()
        let pod = try DecodingTests.type("core.v1.PodSpec")
        #expect(sentences.sentence(on: "nodeName", of: pod)?.hasPrefix("The node that the pod runs on.") == true)
        let one = try DecodingTests.type("core.v1.EndpointPort")
        let other = try DecodingTests.type("discovery.v1.EndpointPort")
        #expect(sentences.sentence(on: "port", of: one) == "The number of the port.")
        #expect(sentences.sentence(on: "port", of: other) == "The number of the port; all if empty.")
        #expect(sentences.sentence(on: "none", of: one) == nil)
    }
}
