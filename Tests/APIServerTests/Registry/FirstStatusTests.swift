import API
import APIMachinery
import Client
import Testing

@testable import APIServer

@Suite struct FirstStatusTests {
    @Test(arguments: [
        (.deployments, [:]), (.replicaSets, ["replicas": 0]), (.volumeAttachments, ["attached": false]),
        (.services, ["loadBalancer": [:]]), (.configMaps, nil),
    ] as [(GroupVersionResource, Value?)])
    func `an object that nobody reported of has the status that Go writes of it`(
        resource: GroupVersionResource, status: Value?
    ) throws {
        let definition = try #require(BuiltinResources.shared.definition(of: resource))
        #expect(BuiltinKinds.kind(definition, PlainStrategy()).firstStatus == status)
    }

    @Test(arguments: [
        (nil, nil, nil), (nil, true, .orphan), (nil, false, .background), ("Foreground", nil, .foreground),
        ("Orphan", nil, .orphan),
    ] as [(String?, Bool?, DeletionOptions.Propagation?)])
    func `the older way to speak of dependents leaves nothing to the kind's habit`(
        policy: String?, orphans: Bool?, propagation: DeletionOptions.Propagation?
    ) {
        #expect(OptionRules.propagation(policy, orphanDependents: orphans) == propagation)
    }
}
