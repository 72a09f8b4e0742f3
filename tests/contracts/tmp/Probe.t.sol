// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;
import {IOcmf} from "../../../contracts/interfaces/IOcmf.sol";
import {Assertions} from "../Assertions.sol";
interface P { function read(bytes memory t) external view returns (IOcmf.Record memory r, uint256 from, uint256 to, uint256 gasPlain, uint256 gasRead); }
contract ProbeTest is Assertions {
    event L(string what, uint256 a, uint256 b);
    function test_probe() public {
        P p = P(vm.deployCode("Probe.sol:Probe", ""));
        string[3] memory t = [
'OCMF|{"FV":"1.0","GI":"KEBA_KCP30","GS":"17619300","GV":"2.8.5","PG":"T32","IS":false,"IL":"NONE","IF":["RFID_NONE","OCPP_NONE","ISO15118_NONE","PLMN_NONE"],"IT":"NONE","ID":"","RD":[{"TM":"2019-08-13T10:03:15,000+0000 I","TX":"B","EF":"","ST":"G","RV":0.2596,"RI":"1-b:1.8.0","RU":"kWh"},{"TM":"2019-08-13T10:03:36,000+0000 R","TX":"E","EF":"","ST":"G","RV":0.2597,"RI":"1-b:1.8.0","RU":"kWh"}]}|{"SD":"304502200E2F107C987A300AC1695CA89EA149A8CDFA16188AF0A33EE64B67964AA943F9022100889A72B6D65364BEA8562E7F6A0253157ACFF84FE4929A93B5964D23C4265699"}',
'OCMF|{"FV" : "1.0","GI" : "XXX-XXX.1K2L","GS" : "1XXX0028200099","GV" : "1.4p3","PG" : "T76","MV" : "XXX","MM" : "XXXXX.1K2L","MS" : "1XXX0128200099","MF" : "230","IS" : false,"IT" : "NONE","ID" : "SIM_CHARGE","CT" : "EVSEID","CI" : "99BZ999993","RD" : [{"TM" : "2021-09-02T12:29:53,000+0200 I","TX" : "B","RV" : "0.0","RI" : "1-0:98.8.0.FF","RU" : "kWh","RT" : "DC","EF" : "","ST" : "G"},{"TM" : "2021-09-02T12:30:07,000+0200 I","TX" : "E","RV" : "1.0","RI" : "1-0:98.8.0.FF","RU" : "kWh","RT" : "DC","EF" : "","ST" : "G"},{"TM" : "2021-09-02T12:29:53,000+0200 I","TX" : "B","RV" : "1.0","RI" : "1-0:2.8.0.FF","RU" : "kWh","RT" : "DC","EF" : "","ST" : "G"},{"TM" : "2021-09-02T12:30:07,000+0200 I","TX" : "E","RV" : "2.0","RI" : "1-0:2.8.0.FF","RU" : "kWh","RT" : "DC","EF" : "","ST" : "G"}]}|{"SA": "ECDSA-secp256k1-SHA256"}',
'OCMF|{"FV":"1.1","GI":"KEBA_KCP30","GS":"16913115","GV":"2.9.0","PG":"T86","IS":false,"IL":"NONE","IF":["RFID_NONE","OCPP_NONE","ISO15118_NONE","PLMN_NONE"],"IT":"NONE","ID":"","TT":"Test","RD":[{"TM":"1970-01-01T01:21:45,000+0100 U","TX":"B","EF":"","ST":"G","RV":62500.2031,"RI":"1-b:1.8.0","RU":"kWh"},{"TM":"2021-01-01T01:21:45,000+0100 S","TX":"E","EF":"","ST":"G","RV":62500.2031,"RI":"1-b:1.8.0","RU":"kWh"}]}|{"SD":"30"}'];
        for (uint256 i = 0; i < 3; ++i) {
            (IOcmf.Record memory r, uint256 a, uint256 b, uint256 g, uint256 h) = p.read(bytes(t[i]));
            emit L("import", r.imported.begin, r.imported.end);
            emit L("export", r.exported.begin, r.exported.end);
            emit L("page, end", r.page, r.endTime);
            emit L("gas", g, h);
            emit L("from to", a, b);
        }
    }
}
