import APIMachinery
import Synchronization
import Testing
import Wire

@testable import APIServer

/// Server-side apply of custom resources that a webhook converts: what an owner wrote in another version is compared in
/// that version. `host` and `port` in v1 are `hostPort` in v2.
@Suite(.timeLimit(.minutes(3))) struct ConvertedApplyTests {
    private static let merge = "application/merge-patch+json"

    private static func path(_ version: String) -> String {
        CronTab.path.replacing("/v1/", with: "/\(version)/") + "/a"
    }

    private final class Hook: Sendable {
        let calls = Mutex(0)
        let fails = Mutex(false)
    }

    /// A server whose kind is converted by a webhook, with one object that `maker` made in v1.
    private static func run(
        _ body: @escaping @Sendable (ApplyWorld, Hook) async throws -> Void
    ) async throws {
        let hook = Hook()
        try await TestWebhook.run(answer: { _, bytes in
            hook.calls.withLock { $0 += 1 }
            if hook.fails.withLock(\.self) { return (500, []) }
            return (200, ConversionTests.convert(try Value(json: bytes)).json)
        }) { server in
            try await ApplyWorld.run { world in
                try await CronTab(world.api).define(ConversionTests.definition(storing: "v1", server))
                let made = try await world.send(
                    .post, CronTab.path + "?fieldManager=maker", "application/json",
                    CronTab.object("a", ["host": "h", "port": 80]))
                #expect(made.code == 201, "\(made.value)")
                try await body(world, hook)
            }
        }
    }

    private static func second(_ spec: Value) -> Value { CronTab.object("a", spec, version: "v2") }

    private static let made = #"maker Update  {"f:spec":{".":{},"f:host":{},"f:port":{}}}"#
    private static let madePort = #"maker Update  {"f:spec":{".":{},"f:port":{}}}"#

    @Test func `an owner in another version is asked, and loses what is forced`() async throws {
        try await Self.run { world, _ in
            let refused = try await world.apply(Self.path("v2"), Self.second(["hostPort": "zz:80"]), manager: "two")
            #expect(refused.code == 409)
            #expect(
                refused.value["message"]
                    == #"Apply failed with 1 conflict: conflict with "maker" using stable.example.com/v1: .spec.host"#)
            let same = try await world.apply(Self.path("v2"), Self.second(["hostPort": "h:80"]), manager: "two")
            #expect(same.code == 200, "\(same.value)")
            let applied = #"two Apply  {"f:spec":{"f:hostPort":{}}}"#
            #expect(Set(world.owners(same)) == [applied, Self.made])
            let forced = try await world.apply(
                Self.path("v2") + "?force=true", Self.second(["hostPort": "zz:80"]), manager: "two")
            #expect(forced.value["spec"] == ["hostPort": "zz:80"], "\(forced.value)")
            #expect(Set(world.owners(forced)) == [applied, Self.madePort])
            // From the other side the same.
            let back = try await world.apply(
                Self.path("v1"), CronTab.object("a", ["host": "y"]), manager: "three")
            #expect(
                back.value["message"]
                    == #"Apply failed with 1 conflict: conflict with "two": .spec.hostPort"#, "\(back.value)")
        }
    }

    @Test func `who changes a field in one version takes it from owners in the other`() async throws {
        try await Self.run { world, _ in
            let changed = try await world.send(
                .patch, Self.path("v2") + "?fieldManager=merger", Self.merge, ["spec": ["hostPort": "zz:80"]])
            #expect(changed.code == 200, "\(changed.value)")
            #expect(
                Set(world.owners(changed)) == [#"merger Update  {"f:spec":{"f:hostPort":{}}}"#, Self.madePort])
            let alone = try await world.send(
                .patch, Self.path("v1") + "?fieldManager=other", Self.merge, ["spec": ["port": 81]])
            #expect(world.owners(alone).contains(#"other Update  {"f:spec":{"f:port":{}}}"#), "\(alone.value)")
            #expect(!world.owners(alone).contains { $0.hasPrefix("merger") })
        }
    }

    @Test func `who applied in another version and says the same there gives nothing up`() async throws {
        try await Self.run { world, _ in
            let spec: Value = ["host": "h", "port": 80]
            _ = try await world.apply(Self.path("v1"), CronTab.object("a", spec), manager: "me")
            let next = try await world.apply(Self.path("v2"), Self.second(["hostPort": "h:80"]), manager: "me")
            #expect(next.code == 200, "\(next.value)")
            #expect(next.value["spec"] == ["hostPort": "h:80"])
            #expect(Set(world.owners(next)) == [#"me Apply  {"f:spec":{"f:hostPort":{}}}"#, Self.made])
            #expect(try await world.get(Self.path("v1")).value["spec"] == spec)
        }
    }

    @Test func `owners in one version ask no webhook, and only an apply needs one for owners in others`() async throws {
        try await Self.run { world, hook in
            _ = try await world.send(
                .patch, Self.path("v1") + "?fieldManager=one", Self.merge, ["spec": ["port": 81]])
            _ = try await world.apply(
                Self.path("v1") + "?force=true", CronTab.object("a", ["port": 82]), manager: "two")
            #expect(hook.calls.withLock(\.self) == 0)
            _ = try await world.apply(Self.path("v2"), Self.second(["hostPort": "h:82"]), manager: "three")
            hook.fails.withLock { $0 = true }
            let patched = try await world.send(
                .patch, Self.path("v1") + "?fieldManager=one", Self.merge, ["spec": ["port": 83]])
            #expect(patched.code == 200, "\(patched.value)")
            #expect(patched.value.at("spec", "port") == 83)
            #expect(world.owners(patched).contains { $0.hasPrefix("three Apply") })
            let applied = try await world.apply(
                Self.path("v1") + "?force=true", CronTab.object("a", ["port": 84]), manager: "two")
            #expect(applied.code == 500, "\(applied.value)")
        }
    }
}
