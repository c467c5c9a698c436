// The calendar of what goes out. All times are the office's own, told to the library as if they were UTC, so that the
// browser's zone plays no part.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("timetable");
  if (!place || !window.FullCalendar) return;
  const told = document.getElementById("timetable-told");
  const csrf = () => document.querySelector("meta[name=csrf]")?.content ?? "";
  const small = () => window.innerWidth < 700;

  function tell(words, tone) {
    told.textContent = words;
    told.className = `timetable__told timetable__told--${tone}`;
  }

  async function moved(info) {
    const form = new FormData();
    form.append("delivery", info.event.id);
    form.append("at", info.event.startStr.replace("Z", "").slice(0, 16));
    form.append("seen", info.event.extendedProps.seen);
    let answer;
    try {
      const response = await fetch("/console/calendar/move", {
        method: "POST",
        body: form,
        headers: { "X-CSRF-Token": csrf(), Accept: "application/json" },
      });
      answer = await response.json();
    } catch {
      info.revert();
      tell(place.dataset.lost, "bad");
      return;
    }
    if (!answer.moved) info.revert();
    tell(answer.words ?? place.dataset.lost, answer.moved ? (answer.warns ? "warn" : "good") : "bad");
    calendar.refetchEvents();
  }

  const calendar = new window.FullCalendar.Calendar(place, {
    timeZone: "UTC",
    now: place.dataset.now,
    locale: place.dataset.language,
    initialView: small() ? "listWeek" : "dayGridMonth",
    headerToolbar: { start: "prev,next today", center: "title", end: "dayGridMonth,timeGridWeek,timeGridDay,listWeek" },
    firstDay: 1,
    height: "auto",
    nowIndicator: true,
    dayMaxEvents: 6,
    snapDuration: "00:05",
    slotDuration: "00:30",
    eventTimeFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
    slotLabelFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
    eventDurationEditable: false,
    defaultTimedEventDuration: "00:30",
    // What goes out shortly before midnight is drawn on its own day, and not as something that lasts two.
    nextDayThreshold: "01:00",
    events: { url: place.dataset.events, extraParams: Object.fromEntries(["account", "unit"].filter((name) => place.dataset[name]).map((name) => [name, place.dataset[name]])) },
    eventDrop: (info) => (info.event.allDay ? info.revert() : moved(info)),
    datesSet: () => {
      // The buttons have names of their own; the signs on them are ornament.
      for (const sign of place.querySelectorAll(".fc-icon")) {
        sign.removeAttribute("role");
        sign.setAttribute("aria-hidden", "true");
      }
    },
    eventDidMount: (info) => {
      if (info.event.extendedProps.state) info.el.title = `${info.event.extendedProps.state} · ${info.event.title}`;
    },
  });
  calendar.render();
});
