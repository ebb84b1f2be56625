import APIMachinery
import Testing

@testable import API

@Suite struct LeastObjectsTests {
    @Test func `the least object of every kind is good, and may stay as it is`() throws {
        let least = try LeastObjects.all()
        for definition in BuiltinResources.shared.resources
        where definition.isStored && definition.verbs.contains("create") && definition.resource.group != "metrics.k8s.io" {
            let name = definition.resource.groupResource
            // One kind in two versions, of which one is stored.
            if ["events.events.k8s.io"].contains(name) || definition.resource.version == "v1" && name.hasPrefix("horizontal") {
                continue
            }
            let object = try complete(try #require(least[name], "\(name)"), definition)
            #expect(BuiltinValidation.validate(object, as: definition) == [], "\(name)")
            #expect(BuiltinValidation.validateCreate(object, as: definition) == [], "\(name)")
            #expect(BuiltinValidation.validateUpdate(object, over: object, as: definition) == [], "\(name)")
        }
    }
}
