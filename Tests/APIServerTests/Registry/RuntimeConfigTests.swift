import API
import APIMachinery
import Support
import Testing
import Wire

@testable import APIServer

@Suite(.timeLimit(.minutes(2))) struct RuntimeConfigTests {
    @Test(arguments: [
        ("", .deployments, true),
        ("", .storageVersionMigrations, false),
        ("api/beta=true", .storageVersionMigrations, true),
        ("api/all", .storageVersionMigrations, true),
        ("api/all=true,api/beta=false", .storageVersionMigrations, false),
        ("api/all=false,v1=true", .deployments, false),
        ("api/all=false,v1=true", .pods, true),
        ("api/ga=false", .pods, false),
        ("apps/v1=false", .deployments, false),
        ("apps/v1=false,apps/v1/deployments=true", .deployments, true),
        ("apps/v1=false,apps/v1/deployments=true", .replicaSets, false),
        ("apps/v1/deployments=false", .replicaSets, true),
        ("storagemigration.k8s.io/v1beta1=true", .storageVersionMigrations, true),
        // Gone, and not to be served.
        ("batch/v1beta1=false", .jobs, true),
    ] as [(String, GroupVersionResource, Bool)])
    func `what says more counts more`(settings: String, resource: GroupVersionResource, isServed: Bool) throws {
        let config = try RuntimeConfig(settings.split(separator: ",").map(String.init))
        #expect(config.serves(resource) == isServed)
    }

    @Test(arguments: [
        ("v1=false", "runtime-config: v1 cannot be turned off"),
        ("batch/v1beta1=true", "runtime-config: batch/v1beta1 is not part of this version"),
        ("apps/v1/dogs", "runtime-config: apps/v1/dogs is not part of this version"),
        ("dogs/v1=true", "runtime-config: unknown API group or version \"dogs/v1\""),
        ("apps/v1=maybe", "runtime-config: \"apps/v1=maybe\" is not of the form NAME=true or NAME=false"),
    ])
    func `what cannot be meant is refused`(setting: String, why: String) {
        let fault = #expect(throws: Fault.self) { try RuntimeConfig([setting]) }
        #expect(fault?.summary == why)
    }

    @Test func `what is not served is in no document, and answers as if it did not exist`() async throws {
        let settings = ["storagemigration.k8s.io/v1beta1=true", "apps/v1/daemonsets=false"]
        let migrations = "/apis/storagemigration.k8s.io/v1beta1/storageversionmigrations"
        try await TestAPI.run { $0.served = try RuntimeConfig(settings) } _: { api in
            let token = try await api.token("reader", rules: [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]])
            #expect(try await api.ask(.get, migrations, token: token).code == 200)
            #expect(try await api.ask(.get, "/apis/apps/v1/daemonsets", token: token).code == 404)
            #expect(try await api.ask(.get, "/apis/apps/v1/deployments", token: token).code == 200)
            let kinds = try await api.ask(.get, "/apis/apps/v1", token: token).text
            #expect(kinds.contains("deployments") && !kinds.contains("daemonsets"))
            let services = try await api.ask(.get, "/apis/apiregistration.k8s.io/v1/apiservices", token: token).text
            #expect(services.contains("v1beta1.storagemigration.k8s.io"))
        }
        try await TestAPI.run { api in
            let token = try await api.token("reader", rules: [["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]]])
            #expect(try await api.ask(.get, migrations, token: token).code == 404)
            #expect(try await !api.ask(.get, "/apis", token: token).text.contains("storagemigration"))
        }
    }
}
