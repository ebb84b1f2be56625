import Support
import Testing

@testable import API

@Suite struct FeatureGatesTests {
    @Test(arguments: [
        "InPlacePodVerticalScaling=true", "AllAlpha=false", "AllBeta=False", "StorageVersionMigrator=true",
        "StorageVersionMigrator=false", "APIServingWithRoutine=false",
    ])
    func `what is so, or can be made so, may be said`(setting: String) throws {
        try FeatureGates.check([setting])
    }

    @Test(arguments: [
        ("NoSuchGate=true", "feature-gates: unrecognized feature gate: NoSuchGate"),
        ("APIServingWithRoutine", "feature-gates: \"APIServingWithRoutine\" is not of the form NAME=true or NAME=false"),
        ("AllAlpha=true", "feature-gates: AllAlpha=true opens what this version does not have"),
        ("APIServingWithRoutine=true", "feature-gates: APIServingWithRoutine=true is not part of this version"),
        ("APIServerTracing=false", "feature-gates: cannot set APIServerTracing to false, it is locked to true"),
        ("APIResponseCompression=false", "feature-gates: APIResponseCompression=false is not part of this version"),
    ])
    func `what would be believed in vain is refused`(setting: String, why: String) {
        let fault = #expect(throws: Fault.self) { try FeatureGates.check(["AllAlpha=false", setting]) }
        #expect(fault?.summary == why)
    }
}
