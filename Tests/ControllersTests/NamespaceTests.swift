import API
import APIMachinery
import Client
import ClientTestSupport
import Support
import Synchronization
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct NamespaceTests {
    private let now = Timestamp(seconds: 1_000_000)

    @Test func `a namespace tells what keeps it`() {
        var content = NamespaceContent()
        Conversation(
            """
            decide
            ----
            NamespaceDeletionDiscoveryFailure False ResourcesDiscovered: All resources successfully discovered
            NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions: All legacy kube types successfully parsed
            NamespaceDeletionContentFailure False ContentDeleted: All content successfully deleted, may be waiting on finalization
            NamespaceContentRemaining False ContentRemoved: All content successfully removed
            NamespaceFinalizersRemaining False ContentHasNoFinalizers: All content-preserving finalizers finished

            left services
            left deployments apps example.com/hold
            left pods example.com/hold
            failed secrets are forbidden
            decide
            ----
            NamespaceDeletionDiscoveryFailure False ResourcesDiscovered: All resources successfully discovered
            NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions: All legacy kube types successfully parsed
            NamespaceDeletionContentFailure True ContentDeletionFailed: Failed to delete all resource types, 1 remaining: secrets are forbidden
            NamespaceContentRemaining True SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 resource instances, pods. has 1 resource instances, services. has 1 resource instances
            NamespaceFinalizersRemaining True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances

            away b.example/v1
            away a.example/v2
            decide 1
            ----
            NamespaceDeletionDiscoveryFailure True DiscoveryFailed: Discovery failed for some groups, 2 failing: unable to retrieve the complete list of server APIs: a.example/v2: stale GroupVersion discovery: a.example/v2, b.example/v1: stale GroupVersion discovery: b.example/v1
            """
        ).check { command in
            switch command[0] {
            case "left":
                let words = Array(command.dropFirst(2))
                let group = words.first { !$0.contains("/") } ?? ""
                let finalizers = words.filter { $0.contains("/") }
                let object = StoredObject(received: ["metadata": ["finalizers": Value(finalizers)]])
                let resource = GroupVersionResource(group: group, version: "v1", resource: command[1])
                content.remaining.append(NamespaceContent.Remaining(resource, [object]))
            case "away": content.undiscovered.append(command[1])
            case "failed": content.failures.append(command.dropFirst().joined(separator: " "))
            default:
                let conditions = content.conditions(after: [], at: now)
                return conditions.prefix(command.count > 1 ? 1 : conditions.count).map { condition in
                    "\(condition.type) \(condition.status) \(condition.reason): \(condition.message)"
                }
            }
            return []
        }
    }

    @Test func `a condition keeps its time while it says the same`() {
        var content = NamespaceContent()
        let first = content.conditions(after: [], at: now)
        content.failures = ["no"]
        let second = content.conditions(after: first, at: now + .seconds(5))
        #expect(second.map(\.lastTransitionTime) == [now, now, now + .seconds(5), now, now])
    }

    @Test func `a namespace is emptied, and goes when the last object is gone`() async throws {
        let api = MemoryAPI()
        var namespace = Namespace(name: "team")
        namespace.spec.finalizers = ["kubernetes"]
        try await api.create(namespace)
        try await api.create(ConfigMap(namespace: "team", name: "settings"))
        try await api.create(ConfigMap(namespace: "other", name: "settings"))
        var held = Secret(namespace: "team", name: "held")
        held.metadata.finalizers = ["example.com/hold"]
        held = try await api.create(held)
        try await running([NamespaceController()], on: api) {
            try await api.delete(Namespace.self, namespace.objectName)
            await api.wait { $0.peek(Namespace.self, "team")?.status.conditions.isEmpty == false }
            let told = api.peek(Namespace.self, "team")?.status.conditions.last
            #expect(told?.message.hasSuffix("example.com/hold in 1 resource instances") == true)
            #expect(api.peek(ConfigMap.self, "settings", in: "team") == nil)

            let release: Value = ["metadata": ["finalizers": .null]]
            try await api.patch(Secret.self, held.objectName, .merge(release))
            await api.wait { $0.peek(Namespace.self, "team") == nil }
            #expect(api.peek(ConfigMap.self, "settings", in: "other") != nil)
        }
    }

    @Test func `a namespace waits for the extensions of the API that are away`() async throws {
        let api = MemoryAPI()
        var namespace = Namespace(name: "team")
        namespace.spec.finalizers = ["kubernetes"]
        try await api.create(namespace)
        try await api.create(ConfigMap(namespace: "team", name: "settings"))
        let services = GroupVersionResource(group: "apiregistration.k8s.io", version: "v1", resource: "apiservices")
        func service(_ name: String, _ isAvailable: String) -> Value {
            [
                "metadata": ["name": .string(name)],
                "spec": ["group": .string(name), "version": "v1", "service": ["name": "s", "namespace": "n"]],
                "status": ["conditions": [["type": "Available", "status": .string(isAvailable)]]],
            ]
        }
        _ = try await api.create(Target(services), service("there", "True"), WriteOptions())
        _ = try await api.create(Target(services), service("away", "False"), WriteOptions())
        try await running([NamespaceController()], on: api) {
            try await api.delete(Namespace.self, namespace.objectName)
            await api.wait { $0.peek(Namespace.self, "team")?.status.conditions.isEmpty == false }
            let told = try #require(api.peek(Namespace.self, "team")?.status.conditions.first)
            #expect(told.status == "True")
            #expect(told.message.hasSuffix("APIs: away/v1: stale GroupVersion discovery: away/v1"))
            // What can be reached goes meanwhile.
            #expect(api.peek(ConfigMap.self, "settings", in: "team") == nil)
        }
    }

    /// Keeps notes for the API, as another server would.
    private final class Notes: ForeignObjects {
        private let names: Mutex<[String: [String]]>
        private let verbs: [String]
        private let unknown: [String]
        /// What is asked for and never goes.
        private let held: Set<String>

        init(_ names: [String: [String]], verbs: [String], held: Set<String> = [], unknown: [String] = []) {
            self.names = Mutex(names)
            (self.verbs, self.held, self.unknown) = (verbs, held, unknown)
        }

        static let resource = GroupVersionResource(group: "ext.test", version: "v1", resource: "notes")

        func resources() -> (known: [CatalogEntry], unknown: [String]) {
            let kind = GroupVersionKind(group: "ext.test", version: "v1", kind: "Note")
            let entry = CatalogEntry(resource: Self.resource, kind: kind, isNamespaced: true, verbs: verbs)
            var wide = entry
            (wide.resource.resource, wide.isNamespaced) = ("rules", false)
            var constant = entry
            (constant.resource.resource, constant.verbs) = ("readings", ["get", "list"])
            return ([entry, wide, constant], unknown)
        }

        func list(_ resource: GroupVersionResource, namespace: String) throws(Status) -> [Value] {
            guard resource == Self.resource, verbs.contains("list") else { throw .notFound(resource, "") }
            return here(namespace).map { name in
                ["metadata": ["name": .string(name), "finalizers": held.contains(name) ? ["example.com/hold"] : []]]
            }
        }

        func delete(_ target: Target) throws(Status) {
            let wanted = target.name.isEmpty ? "deletecollection" : "delete"
            guard target.resource == Self.resource, verbs.contains(wanted) else { throw .notFound(target.resource, "") }
            names.withLock { names in
                names[target.namespace]?.removeAll { name in
                    !held.contains(name) && (target.name.isEmpty || target.name == name)
                }
            }
        }

        func here(_ namespace: String) -> [String] { names.withLock { $0[namespace] ?? [] } }
    }

    @Test(arguments: [["delete", "list"], ["delete", "deletecollection", "list"], ["delete", "deletecollection"]])
    func `what other servers keep goes with the namespace`(verbs: [String]) async throws {
        let api = MemoryAPI()
        var namespace = Namespace(name: "team")
        namespace.spec.finalizers = ["kubernetes"]
        try await api.create(namespace)
        let notes = Notes(["team": ["a", "b"], "other": ["c"]], verbs: verbs)
        try await running([NamespaceController(catalog: FixedCatalog.builtin, foreign: notes)], on: api) {
            try await api.delete(Namespace.self, namespace.objectName)
            await api.wait { $0.peek(Namespace.self, "team") == nil }
            #expect(notes.here("team").isEmpty)
            #expect(notes.here("other") == ["c"])
        }
    }

    @Test func `a namespace waits for what other servers keep longer, or do not tell of`() async throws {
        let api = MemoryAPI()
        var namespace = Namespace(name: "team")
        namespace.spec.finalizers = ["kubernetes"]
        try await api.create(namespace)
        let notes = Notes(
            ["team": ["a", "b"]], verbs: ["delete", "deletecollection", "list"], held: ["b"], unknown: ["away/v1"])
        try await running([NamespaceController(catalog: FixedCatalog.builtin, foreign: notes)], on: api) {
            try await api.delete(Namespace.self, namespace.objectName)
            await api.wait { $0.peek(Namespace.self, "team")?.status.conditions.isEmpty == false }
            #expect(notes.here("team") == ["b"])
            let told = try #require(api.peek(Namespace.self, "team")).status.conditions.filter { $0.status == "True" }
            #expect(
                told.map(\.message) == [
                    "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
                        + "away/v1: stale GroupVersion discovery: away/v1",
                    "Some resources are remaining: notes.ext.test has 1 resource instances",
                    "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
                ])
        }
    }

    @Test func `while a pod is left, it finds what it was made with`() async throws {
        let api = MemoryAPI()
        var namespace = Namespace(name: "team")
        namespace.spec.finalizers = ["kubernetes"]
        try await api.create(namespace)
        try await api.create(ConfigMap(namespace: "team", name: "settings"))
        var pod = Pod(namespace: "team", name: "web")
        pod.metadata.finalizers = ["example.com/hold"]
        try await api.create(pod)
        try await running([NamespaceController()], on: api) {
            try await api.delete(Namespace.self, namespace.objectName)
            await api.wait { $0.peek(Namespace.self, "team")?.status.conditions.isEmpty == false }
            #expect(api.peek(Pod.self, "web", in: "team")?.metadata.deletionTimestamp != nil)
            #expect(api.peek(ConfigMap.self, "settings", in: "team") != nil)
            try await api.patch(Pod.self, pod.objectName, .merge(["metadata": ["finalizers": .null]]))
            try await api.delete(Pod.self, pod.objectName, DeletionOptions(gracePeriodSeconds: 0))
            await api.wait { $0.peek(Namespace.self, "team") == nil }
            #expect(api.peek(ConfigMap.self, "settings", in: "team") == nil)
        }
    }

    @Test func `each namespace gets its account, and gets it again`() async throws {
        try await converse(
            with: ServiceAccountController(),
            """
            create namespace team
            ----
            create namespaces team
            create serviceaccounts team/default

            # Another one concerns nobody.
            create account team/other
            ----
            create serviceaccounts team/other

            delete account team/default
            ----
            delete serviceaccounts team/default
            create serviceaccounts team/default

            create namespace next
            ----
            create namespaces next
            create serviceaccounts next/default
            """)
    }

    @Test func `each namespace gets the root certificates, and gets them again`() async throws {
        try await converse(
            with: RootCAPublisher(certificates: "PEM"),
            """
            create namespace team
            ----
            create namespaces team
            create configmaps team/kube-root-ca.crt

            spoil map team/kube-root-ca.crt
            ----
            update configmaps team/kube-root-ca.crt
            update configmaps team/kube-root-ca.crt

            delete map team/kube-root-ca.crt
            ----
            delete configmaps team/kube-root-ca.crt
            create configmaps team/kube-root-ca.crt

            create namespace next
            ----
            create namespaces next
            create configmaps next/kube-root-ca.crt
            """)
    }

    @Test(arguments: ["account default", "map kube-root-ca.crt"])
    func `a namespace that is going gets nothing any more`(lost: String) async throws {
        let (kind, name) = (lost.split(separator: " ")[0], lost.split(separator: " ")[1])
        let resource = kind == "account" ? "serviceaccounts" : "configmaps"
        let controller: any Controller =
            kind == "account" ? ServiceAccountController() : RootCAPublisher(certificates: "PEM")
        // That nothing was made is known when the namespace that came later has its own.
        try await converse(
            with: controller,
            """
            create namespace team held
            ----
            create namespaces team
            create \(resource) team/\(name)

            end namespace team
            delete \(kind) team/\(name)
            create namespace next
            ----
            delete namespaces team
            delete \(resource) team/\(name)
            create namespaces next
            create \(resource) next/\(name)
            """)
    }

    /// Each outcome is what was written to the API, the command's own write first.
    private func converse(with controller: any Controller, _ text: String) async throws {
        let api = MemoryAPI()
        try await running([controller], on: api) {
            for exchange in Conversation(text).exchanges {
                let heard = api.journal.count
                for command in exchange.commands { try await Self.carryOut(command, on: api) }
                await api.wait { $0.journal.count >= heard + exchange.outcome.count }
                #expect(Array(api.journal[heard...]) == exchange.outcome)
            }
        }
    }

    private static func carryOut(_ command: [String], on api: MemoryAPI) async throws {
        let path = command[2].split(separator: "/").map(String.init)
        let name = path.count == 2 ? ObjectName(namespace: path[0], name: path[1]) : ObjectName(name: path[0])
        switch (command[0], command[1]) {
        case ("create", "namespace"):
            var namespace = Namespace(name: name.name)
            if command.last == "held" { namespace.spec.finalizers = ["kubernetes"] }
            try await api.create(namespace)
        case ("end", "namespace"): try await api.delete(Namespace.self, name)
        case ("create", "account"): try await api.create(ServiceAccount(namespace: name.namespace, name: name.name))
        case ("delete", "account"): try await api.delete(ServiceAccount.self, name)
        case ("delete", "map"): try await api.delete(ConfigMap.self, name)
        case ("spoil", "map"):
            var map = try #require(api.peek(ConfigMap.self, name.name, in: name.namespace))
            map.data = ["ca.crt": "somebody else's"]
            try await api.update(map)
        default: Issue.record("no command: \(command)")
        }
    }
}
