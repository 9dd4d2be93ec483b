"""What a STOP says in Chinese: where it stands, what is wrong, and what to do next."""

from __future__ import annotations

from trialbook.errors import TrialbookError

# Rule -> what is wrong and what to do. The English message says the same with the details of the case.
IN_CHINESE = {
    "P01": "文件编码无法识别或文字已损坏。请以 UTF-8 编码重新提供该文件。",
    "P03": "单元格被合并，无法确定该值属于哪些记录。请取消合并并在每行填写该值。",
    "P08-TREATED-TWICE": "同一人的两个受试者编号均有输注记录。请确定采用哪个编号。",
    "P09-SUBJECT-TWICE": "该受试者在 DM 中出现两次。请每名受试者只保留一行。",
    "P09-SUBJECT-ALIKE": "两个受试者编号仅前导零或大小写不同。请每名受试者只保留一行。",
    "P09-NOT-IN-DM": "该受试者不在 DM 中。请更正编号或补充 DM。",
    "P11-NO-FIRST-INFUSION-DATE": "已治疗受试者的首次输注缺少完整日期（或没有输注记录），该日期不作填补。请补充。",
    "P34": "文件无法按要求读取。请检查该文件后重新提供。",
    "P34-COLUMN-MISSING": "缺少必需的列。请提供该列；未收集数据时列内容可为空。",
    "P34-NO-SUBJECT": "DM 中有一行没有受试者编号。请补充 DM。",
    "P34-MAPPING": "映射文件与中心导出的文件不符。请更正映射文件。",
    "P34-OTHER-STUDY": "该文件的研究编号属于其他研究。请提供本研究的文件，或在源数据中更正研究编号。",
    "P35-RECORD-DELETED": "前次数据截止时存在的记录现已缺失。请恢复，或在已批准删除清单中列出并注明原因。",
    "P37-IDENTIFIER": "标识符含证件号、电话号码或姓名等个人信息（不显示其值）。请在源数据中改用仅供本研究使用的编号。",
    "SYNTHETIC": "截止文件与数据快照清单对“是否为模拟数据”的说明不一致或无法读取。请更正错误的一方。",
    "TRANSFER": "收到的文件与传输清单不一致。请重新传输，或核实后更新传输清单。",
}


def in_chinese(error: TrialbookError) -> str:
    """The message of a STOP in Chinese with its place and value; blank where the rule has no Chinese words."""
    words = IN_CHINESE.get(error.rule or "")
    if words is None:
        return ""
    place = [str(error.file)] if error.file else []
    if error.row is not None:
        place.append(f"第 {str(error.row).replace(' and ', '、')} 行")
    if error.column:
        place.append(f"列 {error.column}")
    if error.value is not None:
        place.append(f"值 {error.value!r}")
    return f"[{error.rule}] {'，'.join(place)}{'：' if place else ''}{words}"
