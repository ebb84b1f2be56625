import APIMachinery
import Testing

@testable import API

@Suite struct BuiltinTypesTests {
    @Test func `a pod's container port is found through the tables`() throws {
        let pod = try #require(BuiltinTypes.kubernetes.type(named: "io.k8s.api.core.v1.Pod"))
        #expect(pod.fields.map(\.name) == ["apiVersion", "kind", "metadata", "spec", "status"])
        let spec = try #require(pod.field(number: 2))
        guard case .object(let podSpec) = spec.kind,
            let containers = podSpec.field(named: "containers"), case .list(let element) = containers.kind,
            case .object(let container) = element.kind, let ports = container.field(named: "ports")
        else {
            Issue.record("a pod has containers")
            return
        }
        #expect(containers.number == 2)
        #expect(containers.flags.contains(.required))
        #expect(ports.number == 6)
        #expect(ports.patchMergeKey == "containerPort")
        #expect(ports.listMapKeys == ["containerPort", "protocol"])
    }

    @Test func `an embedded volume source is flat in JSON and nested in protobuf`() throws {
        let volume = try #require(BuiltinTypes.kubernetes.type(named: "io.k8s.api.core.v1.Volume"))
        #expect(volume.field(named: "emptyDir")?.number == 0)
        #expect(volume.wireFields.map(\.number) == [1, 2])
        #expect(volume.field(number: 2)?.isInline == true)
    }

    @Test func `kinds travel without apiVersion and kind in protobuf`() throws {
        let node = try #require(BuiltinTypes.kubernetes.type(named: "io.k8s.api.core.v1.Node"))
        #expect(node.wireFields.map(\.name) == ["metadata", "spec", "status"])
    }

    @Test func `the messages of CRI and etcd are there`() throws {
        let config = try #require(BuiltinTypes.cri.type(named: "runtime.v1.PodSandboxConfig"))
        #expect(BuiltinTypes.cri.isProto3)
        #expect(config.field(number: 1)?.name == "metadata")
        let range = try #require(BuiltinTypes.etcd.type(named: "etcdserverpb.RangeResponse"))
        guard case .list(let element) = range.field(named: "kvs")?.kind, case .object(let pair) = element.kind
        else {
            Issue.record("a range holds pairs")
            return
        }
        #expect(pair.name == "mvccpb.KeyValue")
    }

    @Test func `every type is well formed`() {
        for table in [BuiltinTypes.kubernetes, BuiltinTypes.cri, BuiltinTypes.etcd] {
            for type in table.types {
                let names = type.fields.map(\.name)
                #expect(names == names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }, "\(type)")
                #expect(Set(names).count == names.count, "\(type) has a field twice")
                let numbers = type.wireFields.map(\.number)
                #expect(numbers == Set(numbers).sorted(), "\(type)")
                for name in names { #expect(type.field(named: name)?.name == name) }
                #expect(table.type(named: type.name) == type)
            }
        }
    }

    @Test func `every served kind has a schema`() {
        let builtin = BuiltinResources.shared
        #expect(builtin.resources.count == 71)
        for definition in builtin.resources {
            #expect(definition.type != nil, "\(definition.resource)")
            for subresource in definition.subresources where subresource.kind.kind != definition.kind {
                #expect(subresource.type != nil, "\(definition.resource)/\(subresource.name)")
            }
        }
        #expect(builtin.groupOrder.first == "apiregistration.k8s.io")
        #expect(builtin.preferredVersions == ["autoscaling": "v2"])
    }

    @Test func `pods are served as the facts say`() throws {
        let pods = try #require(BuiltinResources.shared.definition(of: .pods))
        #expect(pods.kind == "Pod")
        #expect(pods.shortNames == ["po"])
        #expect(pods.isNamespaced)
        #expect(
            pods.subresource("eviction")?.kind
                == GroupVersionKind(group: "policy", version: "v1", kind: "Eviction"))
        #expect(pods.subresource("log")?.options == "PodLogOptions")
        #expect(pods.columns.first?.format == "name")
        let nodes = try #require(BuiltinResources.shared.definition(of: .nodes))
        #expect(nodes.etcdPrefix == "minions")
        #expect(pods.countsGenerations && !nodes.countsGenerations)
        let leases = try #require(BuiltinResources.shared.definition(of: .leases))
        #expect(leases.allowsCreateOnUpdate && !leases.allowsUnconditionalUpdate)
        #expect(pods.allowsUnconditionalUpdate && !pods.allowsCreateOnUpdate && pods.hasStatus)
        #expect(BuiltinResources.shared.definition(of: .jobs)?.defaultPropagation == "Orphan")
        #expect(pods.defaultPropagation == "Background")
    }

    @Test func `RBAC starts with the cluster-admin role and its binding`() {
        let objects = BuiltinTypes.rbacObjects()
        let names = objects.map { "\($0["kind"]?.string ?? "")/\($0.at("metadata", "name")?.string ?? "")" }
        #expect(names.contains("ClusterRole/cluster-admin"))
        #expect(names.contains("ClusterRoleBinding/cluster-admin"))
        #expect(
            Set(objects.compactMap { $0["kind"]?.string }) == [
                "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
            ])
    }
}
